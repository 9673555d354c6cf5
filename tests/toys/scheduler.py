"""A scheduler that answers a token over TCP with a line for each node."""

from tests.toys.toy import Insert, Toy

MODEL = '''\
"""A toy scheduler, which answers a token over TCP."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection, Endpoint
from rackwatt_crds.fields import SecretKeyRef
from rackwatt_crds.model import Model


class ToyScheduler(Model, frozen=True, kw_only=True):
    """A toy scheduler, which answers a token over TCP."""

    host: Annotated[str, Meta(min_length=1, description="The host of the toy scheduler.")]
    port: Annotated[int, Meta(ge=1, le=65535, description="Its port.")]
    token_secret_ref: SecretKeyRef


def label(_: ToyScheduler) -> str:
    """Return the label of the scheduler."""
    return "toy/tcp"


def connections(toy: ToyScheduler) -> Iterator[Connection]:
    """Yield the host and port."""
    yield Endpoint(toy.host, toy.port, field="host")
'''

READER = '''\
"""The reader of the toy scheduler."""

import asyncio

from rackwatt_crds.schedulers import toy as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot


def toy(config: SchedulerConfig, secrets: Secrets) -> "ToyScheduler":
    """Make the scheduler of a binding."""
    assert isinstance(config.settings, crd.ToyScheduler)  # noqa: S101 - the registry pairs them
    return ToyScheduler(config.settings, secrets)


class ToyScheduler:
    """A connection for each reading."""

    def __init__(self, settings: crd.ToyScheduler, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    async def read(self) -> SchedulerSnapshot:
        """Read the states of nodes: a name and a state on each line."""
        ref = self._settings.token_secret_ref
        token = self._secrets.read(ref.name, ref.key)
        try:
            reader, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
        except OSError as error:
            raise ReadError(Reason.CONNECTION_REFUSED, str(error)) from None
        writer.write(token + b"\\n")
        words = [line.split() for line in (await reader.read()).decode().splitlines()]
        writer.close()
        return SchedulerSnapshot({name: SchedulerNode(state) for name, state in words})

    async def close(self) -> None:
        """Nothing is open."""
'''

KIND = """\
    SchedulerKind(
        "toy", toy_scheduler.ToyScheduler, toy_scheduler.connections, toy_scheduler.label
    ),
"""

SCHEDULER = Toy(
    recipe="A scheduler",
    modules={
        "crds/rackwatt_crds/schedulers/toy.py": MODEL,
        "exporter/rackwatt_exporter/schedulers/toy.py": READER,
    },
    rows={
        "crds/rackwatt_crds/kinds.py": [
            Insert(
                "from rackwatt_crds.schedulers.slurm import Slurm",
                "from rackwatt_crds.schedulers import toy as toy_scheduler",
            ),
            Insert(
                "    noop: Noop | None = None",
                "    toy: toy_scheduler.ToyScheduler | None = None",
            ),
            Insert("SCHEDULERS = _table(", KIND),
        ],
        "exporter/rackwatt_exporter/schedulers/registry.py": [
            Insert(
                '        "noop": "rackwatt_exporter.schedulers.noop:noop",',
                '        "toy": "rackwatt_exporter.schedulers.toy:toy",',
            ),
        ],
    },
)
