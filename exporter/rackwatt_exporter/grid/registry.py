"""Registry of providers of carbon intensity: each is a module of its own and a row here.

Modules are imported when first needed.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import Provider

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "static": "rackwatt_exporter.grid.static:StaticProvider",
    }
)


def provider(feed: GridConfig) -> Provider:
    """Make the provider of a zone; it sends no request yet."""
    module, factory = PROVIDERS[feed.provider].split(":")
    return cast(Provider, getattr(import_module(module), factory)(feed))
