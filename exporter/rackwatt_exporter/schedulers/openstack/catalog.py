"""Keystone's catalog: which service has which URL, by type, interface and region."""

from collections.abc import Iterable
from typing import Any

import msgspec

from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

# Names of a service type that catalogs of older installations have (service-types-authority).
_ALIASES = {"bare-metal": "baremetal", "computev21": "compute", "compute_v21": "compute"}
_MAX_LISTED = 300


class CatalogEndpoint(msgspec.Struct, frozen=True):
    """An endpoint of the catalog."""

    interface: Any = None
    region_id: Any = None
    region: Any = None
    url: Any = None


class CatalogService(msgspec.Struct, frozen=True):
    """A service of the catalog and its endpoints."""

    type: Any = None
    endpoints: list[CatalogEndpoint] = []


Catalog = tuple[CatalogService, ...]


def endpoint(catalog: Catalog, service: str, interface: str, region: str | None) -> str | None:
    """Return the URL of a service; None where the catalog has none of this region and interface."""
    for offered in catalog:
        if _ALIASES.get(str(offered.type), offered.type) != service:
            continue
        for one in offered.endpoints:
            in_region = region is None or region in (one.region_id, one.region)
            if one.interface == interface and in_region and isinstance(one.url, str):
                return one.url.rstrip("/")
    return None


def missing(
    catalog: Catalog, services: Iterable[str], interface: str, region: str | None
) -> ReadError:
    """Return the error of services that the catalog lacks, with what it has."""
    offered = sorted(
        {
            f"{service.type} ({one.interface}, {one.region_id or one.region})"
            for service in catalog
            for one in service.endpoints
        }
    )
    where = f"interface {interface}" + (f" in region {region}" if region else "")
    has = quoted(", ".join(offered) or "no endpoint: does the user have a role?", _MAX_LISTED)
    message = f"the catalog has no {' and no '.join(services)} of {where}; it has {has}"
    return ReadError(Reason.BAD_REPLY, message)
