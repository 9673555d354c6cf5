"""A method: a BMC that answers its password over TCP with its watts."""

from tests.toys.toy import Insert, Toy

MODEL = '''\
"""A toy BMC, which answers its password over TCP."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class ToyBmc(Model, frozen=True, kw_only=True):
    """A toy BMC, which answers its password over TCP."""

    port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None, Meta(description="Its port. Default: 4711.")
    ] = None
'''

OPTIONS = '''

@dataclass(frozen=True, slots=True)
class ToyOptions(Options):
    """A toy BMC."""

    port: int = 4711
'''

DRIVER = '''\
"""The driver of toy BMCs."""

import asyncio

from rackwatt_exporter.config.options import ToyOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source


class ToyDriver:
    """Sources that share nothing."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def source(self, target: Target) -> Source:
        """Make the source of a target."""
        return ToySource(target, self._secrets)

    async def close(self) -> None:
        """Nothing is shared."""


class ToySource:
    """A connection for each reading."""

    session = ""

    def __init__(self, target: Target, secrets: Secrets) -> None:
        assert isinstance(target.options, ToyOptions)  # noqa: S101 - the registry pairs them
        self._target = target
        self._port = target.options.port
        self._secrets = secrets

    async def read(self) -> Reading:
        """Read the watts."""
        password = self._secrets.read(self._target.credentials, "password")
        try:
            reader, writer = await asyncio.open_connection(self._target.address, self._port)
        except OSError as error:
            raise ReadError(Reason.CONNECTION_REFUSED, str(error)) from None
        writer.write(password + b"\\n")
        watts = float(await reader.read())
        writer.close()
        return Reading(watts, "toy")

    async def close(self) -> None:
        """Nothing is open."""
'''

METHOD = Toy(
    recipe="A method for BMCs and PDUs",
    modules={
        "crds/rackwatt_crds/bmc/toy.py": MODEL,
        "exporter/rackwatt_exporter/targets/toy.py": DRIVER,
    },
    rows={
        "crds/rackwatt_crds/kinds.py": [
            Insert(
                "from rackwatt_crds.bmc.snmp import Snmp",
                "from rackwatt_crds.bmc.toy import ToyBmc",
            ),
            Insert("    fake: Fake | None = None", "    toy: ToyBmc | None = None"),
            Insert(
                "METHODS = _table(",
                '    MethodKind("toy", ToyBmc, Endpoint("", 4711), logs_in=True),',
            ),
        ],
        "exporter/rackwatt_exporter/config/options.py": [
            Insert("    seed: int | None = None", OPTIONS),
            Insert('        "fake": FakeOptions,', '        "toy": ToyOptions,'),
        ],
        "exporter/rackwatt_exporter/targets/registry.py": [
            Insert(
                '        "fake": DriverRow("rackwatt_exporter.targets.fake:FakeDriver"),',
                '        "toy": DriverRow("rackwatt_exporter.targets.toy:ToyDriver", 1),',
            ),
        ],
    },
)
