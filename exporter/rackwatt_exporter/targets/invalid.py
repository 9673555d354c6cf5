"""Targets whose entry cannot be used: never polled, always failing with the entry's problem."""

from rackwatt_exporter.config.options import InvalidOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reading, Reason


class InvalidSource:
    """Source that raises the problem of one entry."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    @property
    def session(self) -> str:
        """Empty: nothing is ever open."""
        return ""

    async def read(self) -> Reading:
        """Fail with the entry's problem.

        Raises:
            ReadError: invalid_entry, always.
        """
        raise ReadError(Reason.INVALID_ENTRY, self._problem)

    async def close(self) -> None:
        """Nothing is open."""


class InvalidDriver:
    """Shares nothing."""

    def __init__(self, secrets: Secrets) -> None:
        del secrets

    def source(self, target: Target) -> InvalidSource:
        """Make the source of an invalid target."""
        assert isinstance(target.options, InvalidOptions)  # noqa: S101 - the registry pairs them
        return InvalidSource(target.options.problem)

    async def close(self) -> None:
        """Nothing is open."""
