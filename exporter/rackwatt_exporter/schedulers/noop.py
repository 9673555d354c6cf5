"""No scheduler: nodes are in the state the document says they are."""

from collections.abc import Mapping

from rackwatt_crds.schedulers import noop as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share


def noop(config: SchedulerConfig, _: Secrets) -> "Noop":
    """Make the scheduler of a binding to pinned states."""
    assert isinstance(config.settings, crd.Noop)  # noqa: S101 - the registry pairs them
    return Noop(crd.pinned_states(config.settings).states)


class Noop:
    """Pinned states, the same at every reading."""

    def __init__(self, states: Mapping[str, str]) -> None:
        nodes = ((name, SchedulerNode(state)) for name, state in states.items())
        self._snapshot = SchedulerSnapshot(share(nodes))

    async def read(self) -> SchedulerSnapshot:
        """Return the pinned states; never fails."""
        return self._snapshot

    async def close(self) -> None:
        """Nothing is open."""
