"""Endpoints of a catalog by type, interface and region."""

import pytest

from rackwatt_exporter.schedulers.openstack.catalog import (
    CatalogEndpoint,
    CatalogService,
    endpoint,
    missing,
)

CATALOG = (
    CatalogService(
        "compute",
        [
            CatalogEndpoint("public", "one", "one", "http://a/v2.1/"),
            CatalogEndpoint("public", "two", "two", "http://b/v2.1"),
            CatalogEndpoint("admin", None, "one", "http://c"),
        ],
    ),
    CatalogService("bare-metal", [CatalogEndpoint("public", "one", None, "http://d")]),
    CatalogService("placement", [CatalogEndpoint("public", "one", None, None)]),
)


@pytest.mark.parametrize(
    ("service", "interface", "region", "url"),
    [
        ("compute", "public", None, "http://a/v2.1"),
        ("compute", "public", "two", "http://b/v2.1"),
        ("compute", "admin", "one", "http://c"),
        ("compute", "internal", None, None),
        ("compute", "public", "three", None),
        ("baremetal", "public", "one", "http://d"),
        ("placement", "public", "one", None),
        ("image", "public", None, None),
    ],
)
def test_an_endpoint_is_that_of_type_interface_and_region(
    service: str, interface: str, region: str | None, url: str | None
) -> None:
    assert endpoint(CATALOG, service, interface, region) == url


def test_a_missing_service_is_named_with_what_the_catalog_has() -> None:
    words = str(missing(CATALOG, ["image"], "internal", "one"))
    assert words.startswith("the catalog has no image of interface internal in region one; it has ")
    assert "compute (admin, one), compute (public, one), compute (public, two)" in words
