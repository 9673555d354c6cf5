"""OpenStack's settings with every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from rackwatt_crds.schedulers.openstack import SERVICE_PORTS, Openstack
from rackwatt_exporter.config.options import TlsOptions, merge_layers

Interface = Literal["public", "internal", "admin"]


@dataclass(frozen=True, slots=True)
class PasswordOptions:
    """A user and the scope of its token; `project_name` None is the system scope."""

    secret: str
    user_domain_name: str = "Default"
    project_name: str | None = None
    project_domain_name: str = "Default"


@dataclass(frozen=True, slots=True)
class ApplicationCredentialOptions:
    """An application credential, which has its scope in Keystone."""

    secret: str


@dataclass(frozen=True, slots=True)
class OpenstackOptions:
    """One cloud. `services` None are those of the catalog; `region_name` None is any region.

    `endpoints` are URLs by service, which replace those of the catalog.
    """

    auth_url: str
    login: PasswordOptions | ApplicationCredentialOptions
    region_name: str | None = None
    interface: Interface = "public"
    services: tuple[str, ...] | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    compute_default_microversion: str | None = None
    tls: TlsOptions = field(default_factory=TlsOptions)


def openstack_options(openstack: Openstack) -> OpenstackOptions:
    """Return every setting of a document."""
    urls = {service: getattr(openstack.endpoints, service, None) for service in SERVICE_PORTS}
    return OpenstackOptions(
        auth_url=_with_version(openstack.auth_url),
        login=_login(openstack),
        region_name=openstack.region_name,
        interface=openstack.interface or "public",
        services=tuple(openstack.services) if openstack.services else None,
        endpoints={service: url.rstrip("/") for service, url in urls.items() if url},
        compute_default_microversion=openstack.compute_default_microversion,
        tls=merge_layers(TlsOptions, openstack.tls),
    )


def _login(openstack: Openstack) -> PasswordOptions | ApplicationCredentialOptions:
    if openstack.application_credential is not None:
        return ApplicationCredentialOptions(openstack.application_credential.secret_ref.name)
    if openstack.password is None:
        raise ValueError("the document has neither password nor applicationCredential")
    password = openstack.password
    return PasswordOptions(
        secret=password.secret_ref.name,
        user_domain_name=password.user_domain_name or "Default",
        project_name=password.project_name,
        project_domain_name=password.project_domain_name or "Default",
    )


def _with_version(auth_url: str) -> str:
    """Return Keystone's URL with /v3, which `clouds.yaml` may leave out."""
    url = auth_url.rstrip("/")
    return url if urlsplit(url).path.endswith(("/v3", "/v2.0")) else f"{url}/v3"
