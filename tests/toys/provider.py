"""A provider: a URL that answers the name of a zone with grams per kilowatt-hour."""

from tests.toys.toy import Insert, Toy

MODEL = '''\
"""A toy provider of carbon intensity."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection, Url
from rackwatt_crds.model import Model


class ToyIntensity(Model, frozen=True, kw_only=True):
    """A toy provider of carbon intensity."""

    url: Annotated[str, Meta(min_length=1, description="The URL of the toy provider.")]


def connections(toy: ToyIntensity) -> Iterator[Connection]:
    """Yield the URL."""
    yield Url("url", toy.url)
'''

READER = '''\
"""The reader of the toy provider."""

import asyncio

from rackwatt_crds.endpoints import parse_url
from rackwatt_crds.grid.toy import ToyIntensity
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.grid.base import CarbonIntensity
from rackwatt_exporter.reading import ReadError, Reason


class ToyProvider:
    """A connection for each reading."""

    def __init__(self, feed: GridConfig) -> None:
        assert isinstance(feed.settings, ToyIntensity)  # noqa: S101 - the registry pairs them
        self._url = parse_url(feed.settings.url)
        self._zone = feed.zone

    async def read(self) -> CarbonIntensity:
        """Read the intensity of the zone."""
        try:
            reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        except OSError as error:
            raise ReadError(Reason.CONNECTION_REFUSED, str(error)) from None
        writer.write(f"{self._zone}\\n".encode())
        grams = float(await reader.read())
        writer.close()
        return CarbonIntensity.from_grams_per_kwh(grams)

    async def close(self) -> None:
        """Nothing is open."""
'''

PROVIDER = Toy(
    recipe="A provider of the grid's carbon intensity",
    modules={
        "crds/rackwatt_crds/grid/toy.py": MODEL,
        "exporter/rackwatt_exporter/grid/toy.py": READER,
    },
    rows={
        "crds/rackwatt_crds/kinds.py": [
            Insert(
                "from rackwatt_crds.grid import static",
                "from rackwatt_crds.grid import toy as toy_provider",
            ),
            Insert(
                "    static: StaticIntensity | None = None",
                "    toy: toy_provider.ToyIntensity | None = None",
            ),
            Insert(
                "PROVIDERS = _table(",
                '    ProviderKind("toy", toy_provider.ToyIntensity, toy_provider.connections),',
            ),
        ],
        "exporter/rackwatt_exporter/grid/registry.py": [
            Insert(
                '        "static": "rackwatt_exporter.grid.static:StaticProvider",',
                '        "toy": "rackwatt_exporter.grid.toy:ToyProvider",',
            ),
        ],
    },
)
