"""Generated readings: for a first look, and for dashboards before there is a fleet.

Deterministic: a node with a seed has the same watts in the same order, in every process and on
every machine.
"""

from hashlib import sha256
from random import Random

from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source


class FakeDriver:
    """Sources that share nothing."""

    def __init__(self, _secrets: Secrets) -> None:
        pass

    def source(self, target: Target) -> Source:
        """Make the source of a target."""
        assert isinstance(target.options, FakeOptions)  # noqa: S101 - the registry pairs them
        return FakeSource(target.node, target.options)

    async def close(self) -> None:
        """Do nothing: nothing is shared."""


class FakeSource:
    """A node whose watts are drawn evenly between two bounds."""

    def __init__(self, node: str, options: FakeOptions) -> None:
        self._options = options
        # Not hash(): that differs from one process to the next.
        seed = sha256(f"{options.seed} {node}".encode()).digest()
        self._random = Random(seed)  # noqa: S311 - nothing here is secret

    @property
    def session(self) -> str:
        """Empty: nothing is ever open."""
        return ""

    async def read(self) -> Reading:
        """Return the next watts.

        Raises:
            ReadError: invalid_entry, where the lower bound is above the upper one.
        """
        low, high = self._options.min, self._options.max
        if low > high:
            message = f"fake.min ({low:g}) is more than fake.max ({high:g})"
            raise ReadError(Reason.INVALID_ENTRY, message)
        return Reading(self._random.uniform(low, high), "fake")

    async def close(self) -> None:
        """Do nothing: there is no session."""
