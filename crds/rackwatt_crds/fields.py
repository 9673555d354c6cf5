"""Types of fields that several models share, with the patterns that the CRDs enforce."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model

Duration = Annotated[
    str,
    Meta(
        # No more digits than fit into 64 bits of nanoseconds, as Go and Kubernetes count.
        pattern=r"^([0-9]{1,6}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?([0-9]{1,9}ms)?\Z",
        min_length=2,
        max_length=40,
        description="A duration such as `30s`, `1m30s` or `500ms`.",
    ),
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\Z",
        max_length=253,
        description="A Kubernetes object name: lower-case letters, digits, `-` and `.`.",
    ),
]
Labels = Annotated[
    dict[
        str,
        Annotated[
            str,
            Meta(
                pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?\Z",
                max_length=63,
                description="Such as `rack-1`: up to 63 letters, digits, `-`, `_` and `.`.",
            ),
        ],
    ],
    Meta(max_length=64),
]
Annotations = Annotated[dict[str, str], Meta(max_length=64)]
Paused = Annotated[
    bool,
    Meta(
        description="Pause the operator: it creates, changes and deletes no child object. "
        "Running collectors continue. Default: false."
    ),
]
User = Annotated[
    str,
    Meta(
        pattern=r"^[^:]+\Z",
        min_length=1,
        max_length=64,
        description="A user name alone: no password after a `:`.",
        extra={"confidential": True},
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535)]


class SecretRef(Model, frozen=True, kw_only=True):
    """A Secret of the same namespace; without Kubernetes, a directory of that name."""

    name: Name

    ATOMIC = True
    CONFIDENTIAL = True


class Credentials(Model, frozen=True, kw_only=True):
    """The Secret with user names and passwords, never the values themselves."""

    secret_ref: SecretRef

    CONFIDENTIAL = True


class SecretKeyRef(Model, frozen=True, kw_only=True):
    """A key of a Secret of the same namespace; without Kubernetes, a file of that directory."""

    name: Name
    key: Annotated[
        str,
        Meta(pattern=r"^[-._a-zA-Z0-9]+\Z", max_length=253, description="The key."),
    ]

    ATOMIC = True
    CONFIDENTIAL = True


class ObjectRef(Model, frozen=True, kw_only=True):
    """A resource of the same namespace."""

    name: Name

    ATOMIC = True


class Tls(Model, frozen=True, kw_only=True):
    """How a server's certificate is verified."""

    insecure_skip_verify: Annotated[
        bool | None, Meta(description="Accept any certificate. Default: false.")
    ] = None
    ca_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `ca.crt` has the trusted authorities. Default: those "
            "of the system."
        ),
    ] = None
    server_name: Annotated[
        str | None,
        Meta(description="The name that the certificate must have. Default: the address."),
    ] = None
    legacy: Annotated[
        bool | None,
        Meta(
            description="Also offer TLS 1.0 and 1.1, RSA key exchange, SHA-1 and short keys, "
            "for old firmware. An attacker on the network path may then read the "
            "password. Default: false."
        ),
    ] = None


class ClientTls(Tls, frozen=True, kw_only=True):
    """How a server's certificate is verified, and the client's certificate."""

    client_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `tls.crt` and `tls.key` are the client's certificate. "
            "Default: none."
        ),
    ] = None
