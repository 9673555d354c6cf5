"""The providers there are: a new one is a module of its own and a row here.

Modules are imported when first needed, as everywhere.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import Provider

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {"static": "rackwatt_exporter.grid.static:StaticProvider"}
)


def provider(feed: GridConfig) -> Provider:
    """Make the provider of a feed; it does not ask anybody yet."""
    module, factory = PROVIDERS[feed.provider].split(":")
    return cast(Provider, getattr(import_module(module), factory)(feed))
