"""Kubernetes as a scheduler: its nodes and pods, through the API server."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import API_SERVER_PORTS, Connection, Endpoint, Url
from rackwatt_crds.fields import ClientTls, SecretKeyRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule, requires


def _unauthenticated(kubernetes: "Kubernetes") -> str | None:
    """Return a violation where a URL is given and nothing authenticates."""
    if kubernetes.url is None or kubernetes.token_secret_ref is not None:
        return None
    if kubernetes.tls is not None and kubernetes.tls.client_secret_ref is not None:
        return None
    return "none of them"


class Kubernetes(Model, frozen=True, kw_only=True):
    """Kubernetes: pods are its jobs, and a node is allocated by the pods that request resources.

    Without `url` it is the cluster that the collector runs in, and the collector uses the token of
    its own ServiceAccount, which has to be granted to list and watch nodes and pods.
    """

    url: Annotated[
        Annotated[
            str,
            Meta(pattern=r"^https://[!-~]+\Z", description="Such as https://api.hpc.example:6443."),
        ]
        | None,
        Meta(
            description="The URL of the API server, such as https://api.hpc.example:6443. "
            "Default: that of the cluster that the collector runs in."
        ),
    ] = None
    token_secret_ref: Annotated[
        SecretKeyRef | None,
        Meta(
            description="A token that may list and watch nodes and pods there, read again at each "
            "request."
        ),
    ] = None
    tls: ClientTls | None = None
    user_label: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?"
                r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z",
                max_length=317,
                description="The key of a label, such as `hub.jupyter.org/username`.",
            ),
        ]
        | None,
        Meta(
            description="The label of pods that names the user of a job, such as "
            "`hub.jupyter.org/username`. Default: jobs have no user; the account of each is its "
            "namespace."
        ),
    ] = None

    RULES = (
        requires("token_secret_ref", "url", "a collector has a token of its own for its cluster"),
        requires("tls", "url", "a collector knows the authority of its cluster"),
        Rule(
            "url needs tokenSecretRef or tls.clientSecretRef: an API server answers no other",
            "!has(self.url) || has(self.tokenSecretRef) || "
            "(has(self.tls) && has(self.tls.clientSecretRef))",
            _unauthenticated,
            ("url", "tls"),
            "url",
        ),
    )


def in_cluster(kubernetes: Kubernetes) -> bool:
    """Return whether it is the cluster that the collector runs in."""
    return kubernetes.url is None


def label(_: Kubernetes) -> str:
    """Return the label of the scheduler."""
    return "kubernetes"


def connections(kubernetes: Kubernetes) -> Iterator[Connection]:
    """Yield the URL; of the collector's own cluster, the ports behind the API server's Service."""
    if kubernetes.url is not None:
        yield Url("url", kubernetes.url)
    else:
        yield from (Endpoint("", port) for port in API_SERVER_PORTS)
