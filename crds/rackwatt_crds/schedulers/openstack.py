"""OpenStack: Nova's hypervisors and Ironic's bare-metal nodes, found through Keystone.

Fields have the names that `clouds.yaml` gives them, in camelCase.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.endpoints import (
    IRONIC_PORT,
    NOVA_PORT,
    PLACEMENT_PORT,
    Connection,
    Endpoint,
    Url,
)
from rackwatt_crds.fields import ClientTls, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import exactly_one, requires, unique

# Services by their types in Keystone's catalog, and the port of each by default.
SERVICE_PORTS = {"compute": NOVA_PORT, "placement": PLACEMENT_PORT, "baremetal": IRONIC_PORT}

HttpUrl = Annotated[
    str,
    Meta(pattern=r"^https?://[!-~]+\Z", description="Such as https://keystone.example:5000/v3."),
]
Words = Annotated[str, Meta(min_length=1, max_length=255)]


class OpenstackPassword(Model, frozen=True, kw_only=True):
    """A user with a password, in a project or in the system scope."""

    secret_ref: Annotated[
        SecretRef, Meta(description="A Secret with the `username` and `password` of the user.")
    ]
    user_domain_name: Annotated[
        Words | None, Meta(description="The domain of the user. Default: Default.")
    ] = None
    project_name: Annotated[
        Words | None, Meta(description="The project that the token is scoped to.")
    ] = None
    project_domain_name: Annotated[
        Words | None, Meta(description="The domain of the project. Default: Default.")
    ] = None
    system_scope: Annotated[
        Literal["all"] | None,
        Meta(
            description="The whole system as the scope of the token. With the role reader, Ironic "
            "lists all nodes only in this scope."
        ),
    ] = None

    RULES = (
        exactly_one("project_name", "system_scope"),
        requires("project_domain_name", "project_name", "it is the domain of that project"),
    )
    CONFIDENTIAL = True


class OpenstackApplicationCredential(Model, frozen=True, kw_only=True):
    """An application credential, which has a user, a project and roles of its own."""

    secret_ref: Annotated[
        SecretRef,
        Meta(
            description="A Secret with `application_credential_id` and "
            "`application_credential_secret`."
        ),
    ]

    CONFIDENTIAL = True


class OpenstackEndpoints(Model, frozen=True, kw_only=True):
    """URLs of services, which replace those of the catalog."""

    compute: Annotated[
        HttpUrl | None, Meta(description="Nova, such as https://nova.example:8774/v2.1.")
    ] = None
    placement: Annotated[
        HttpUrl | None, Meta(description="Placement, such as https://placement.example:8778.")
    ] = None
    baremetal: Annotated[
        HttpUrl | None, Meta(description="Ironic, such as https://ironic.example:6385.")
    ] = None


class Openstack(Model, frozen=True, kw_only=True):
    """One cloud or one region of it: Nova's hypervisors and Ironic's nodes."""

    auth_url: Annotated[
        HttpUrl,
        Meta(description="Keystone's URL, such as https://keystone.example:5000/v3."),
    ]
    password: OpenstackPassword | None = None
    application_credential: OpenstackApplicationCredential | None = None
    region_name: Annotated[
        Words | None,
        Meta(description="The region whose services are polled. Default: any region."),
    ] = None
    interface: Annotated[
        Literal["public", "internal", "admin"] | None,
        Meta(description="Which endpoints of the catalog are used. Default: public."),
    ] = None
    services: Annotated[
        Annotated[
            list[Literal["compute", "baremetal"]],
            Meta(
                min_length=1,
                max_length=2,
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None,
        Meta(
            description="The services that are polled: `compute` is Nova, `baremetal` is Ironic. "
            "Default: those of the two that the catalog has."
        ),
    ] = None
    endpoints: Annotated[
        OpenstackEndpoints | None,
        Meta(
            description="URLs of services, which replace those of the catalog. The operator's "
            "NetworkPolicy allows their ports; without them, the standard ports of the services."
        ),
    ] = None
    compute_default_microversion: Annotated[
        Annotated[str, Meta(pattern=r"^2\.[1-9][0-9]{0,2}\Z", description="Such as `2.87`.")]
        | None,
        Meta(
            description="The microversion of Nova's API. From 2.88 on, vCPUs and memory are read "
            "from Placement. Default: 2.87, or the nearest that the cloud has."
        ),
    ] = None
    tls: ClientTls | None = None

    RULES = (exactly_one("password", "application_credential"), unique("services"))


def label(_: Openstack) -> str:
    """Return the label of the scheduler."""
    return "openstack"


def connections(openstack: Openstack) -> Iterator[Connection]:
    """Yield Keystone and the services: each URL of the document, else the default port."""
    yield Url("authURL", openstack.auth_url)
    for service, port in SERVICE_PORTS.items():
        url = getattr(openstack.endpoints, service) if openstack.endpoints else None
        yield Url(f"endpoints.{service}", url) if url else Endpoint("", port)
