"""No scheduler: nodes are in the state the document says they are."""

from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.settings.binding import NoopOptions


class Noop:
    """Pinned states, the same at every reading."""

    def __init__(self, options: NoopOptions) -> None:
        self._answer = NodeStates(dict(options.states), "")

    async def read(self) -> NodeStates:
        """Give the pinned states; never fails."""
        return self._answer

    async def close(self) -> None:
        """Nothing is open."""
