"""What versions of slurmdbd's REST interface differ in: their paths and the words of their queries.

v0.0.38 (Slurm 22.05) lists all runs of a job and cuts no time of itself, and refuses the words that
newer ones want for it. It has no request for several ids.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlencode

import msgspec

from rackwatt_accounting.model.window import Window
from rackwatt_exporter.reading import ReadError, Reason

NEWEST = 45
_FLAGS, _COORDINATORS = 40, 41  # the versions that brought words for them
_JOBS = re.compile(r"/slurmdb/v0\.0\.([0-9]{1,6})/jobs/?\Z")


class _OpenApi(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


_OPENAPI = msgspec.json.Decoder(_OpenApi)
Query = Mapping[str, str | Sequence[str]]


class Request(NamedTuple):
    """A path and its query; of several values each is a parameter of its own."""

    path: str
    query: Query = MappingProxyType({})

    @property
    def target(self) -> str:
        """What is requested (RFC 9112, 3.2)."""
        return f"{self.path}?{urlencode(self.query, doseq=True)}" if self.query else self.path


class Dialect(NamedTuple):
    """One version of the interface, such as 40."""

    number: int

    @classmethod
    def best(cls, openapi: bytes) -> "Dialect":
        """Choose of what a slurmrestd describes: the newest that we know, else the next one.

        Raises:
            ReadError: bad_reply where it has no accounting.
        """
        try:
            paths = _OPENAPI.decode(openapi).paths
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            message = "/openapi/v3 is not what slurmrestd says there: is url that of slurmrestd?"
            raise ReadError(Reason.BAD_REPLY, message) from None
        numbers = [int(found[1]) for path in paths if (found := _JOBS.match(path))]
        if not numbers:
            message = "slurmrestd offers no /slurmdb: start it with slurmdbd's plugin (-s)"
            raise ReadError(Reason.BAD_REPLY, message)
        known = [number for number in numbers if number <= NEWEST]
        return cls(max(known) if known else min(numbers))

    def path(self, what: str) -> str:
        """Return where something is, such as `jobs`."""
        return f"/slurmdb/v0.0.{self.number}/{what}"

    def jobs(self, window: Window, cluster: str) -> Request:
        """Return the request for all runs of a window."""
        bounds = {"start_time": f"uts{window.from_s}", "end_time": f"uts{window.to_s}"}
        return Request(self.path("jobs"), {**bounds, "cluster": cluster, **self._whole()})

    def jobs_by_id(self, ids: Sequence[str], since_s: int, cluster: str) -> Iterator[Request]:
        """Return the requests for all runs of some ids."""
        if self.number < _FLAGS:
            for one in ids:
                yield Request(self.path(f"job/{one}"))
            return
        query = {"start_time": f"uts{since_s}", "step": ids, "cluster": cluster}
        yield Request(self.path("jobs"), {**query, **self._whole()})

    def accounts(self) -> Request:
        """Return the request for all accounts with their coordinators."""
        word = "WithCoordinators" if self.number >= _COORDINATORS else "with_coords"
        return Request(self.path("accounts"), {word: "true"} if self.number >= _FLAGS else {})

    def _whole(self) -> Query:
        flags = {"show_duplicates": "true", "disable_truncate_usage_time": "true"}
        return {"skip_steps": "true", **(flags if self.number >= _FLAGS else {})}
