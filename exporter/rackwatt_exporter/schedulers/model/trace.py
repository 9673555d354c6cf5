"""The report of one process of a job, as the wrapper inside the job posts it.

Its first nine fields are those of prometheus-slurm-exporter's wrapper, by its names, so that one
decoder reads both; the others are of rackwatt-trace. Unknown fields are passed over. Anyone inside
a job may send anything, so every field has its bounds, and names are printable.
"""

from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.fields import MAX_NAME, Count, Name, Text

MAX_REPORT_BYTES = 4096

_MAX_PID = 2**31
_MAX_PERCENT = 1e8
_MAX_AMOUNT = 2.0**60

Pid = Annotated[int, Meta(ge=1, le=_MAX_PID)]
Number = Annotated[int, Meta(ge=1, le=2**53)]
Percent = Annotated[float, Meta(ge=0, le=_MAX_PERCENT)]
Amount = Annotated[float, Meta(ge=0, le=_MAX_AMOUNT)]
_NAMES = ("hostname", "username", "cluster", "step")


class ProcessKey(NamedTuple):
    """The key of a process within its cluster; `rank` is empty where there is none."""

    job: str
    step: str
    host: str
    rank: str
    pid: int


class TraceReport(msgspec.Struct, frozen=True, gc=False):
    """What the processes of a command use now: the command itself and all of its descendants.

    `cpus` is percent of one CPU. `mem` and `gpu_mem` are bytes; `read_bytes`, `write_bytes` and
    joules are totals since the start of the command. `gpu_joules` is the energy of GPUs while the
    processes had them alone, `node_joules` that of the whole node, whatever ran there. None was not
    measured.
    """

    job_id: Number | Name
    pid: Pid
    hostname: Name
    username: Text = ""
    cpus: Percent | None = None
    threads: Amount | None = None
    mem: Amount | None = None
    read_bytes: Amount | None = None
    write_bytes: Amount | None = None
    cluster: Text = ""
    step: Text = ""
    rank: Count | None = None
    processes: Count | None = None
    gpus: Count | None = None
    gpu_mem: Amount | None = None
    gpu_joules: Amount | None = None
    node_joules: Amount | None = None

    def __post_init__(self) -> None:
        for field in _NAMES:
            msgspec.structs.force_setattr(self, field, printable(getattr(self, field), MAX_NAME))
        msgspec.structs.force_setattr(self, "job_id", printable(str(self.job_id), MAX_NAME))

    @property
    def job(self) -> str:
        """The id of the job, as the scheduler lists it."""
        return str(self.job_id)

    @property
    def key(self) -> ProcessKey:
        """The key of the process."""
        rank = "" if self.rank is None else str(self.rank)
        return ProcessKey(self.job, self.step, self.hostname, rank, self.pid)


_DECODER = msgspec.json.Decoder(TraceReport)


def decode_report(body: bytes) -> TraceReport:
    """Decode a report.

    Raises:
        ValueError: it is no JSON, or a field is missing or not as it should be; with its path.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(printable(str(error), 300)) from None
