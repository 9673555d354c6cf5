"""No scheduler: nodes are in the state the document says they are."""

from rackwatt_exporter.config.scheduler import NoopOptions
from rackwatt_exporter.schedulers.base import NodeStates


class Noop:
    """Pinned states, the same at every reading."""

    def __init__(self, options: NoopOptions) -> None:
        self._answer = NodeStates(dict(options.states), "")

    async def read(self) -> NodeStates:
        """Give the pinned states; never fails."""
        return self._answer

    async def close(self) -> None:
        """Nothing is open."""
