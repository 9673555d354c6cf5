"""A host whose commands print what a test has for them."""

from collections.abc import Mapping, Sequence

from rackwatt_exporter.reading import ReadError


class PrintingHost:
    """Output by the words that a command line begins with, or the error that it raises."""

    def __init__(self, printed: Mapping[str, bytes | ReadError]) -> None:
        self._printed = printed

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Return the output of the command."""
        assert timeout_s > 0
        line = " ".join(argv)
        (printed,) = (text for start, text in self._printed.items() if line.startswith(start))
        if isinstance(printed, ReadError):
            raise printed
        return printed

    async def close(self) -> None:
        """Nothing is open."""
