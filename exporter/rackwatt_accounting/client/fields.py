"""Fields of `--format`: sacct's names where it has them, and ours for energy.

Each makes a text of the cells of a unit (rackwatt_accounting.api.units). What is not known is
empty.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

Record = Mapping[str, Any]
DEFAULT = "JobID,JobName,User,Account,State,Elapsed,AllocCPUS,Energy,Coverage"


class Field(NamedTuple):
    """A column: its name, width, and the text of a record."""

    name: str
    width: int
    text: Callable[[Record], str]


class FormatError(ValueError):
    """`--format` has an unknown field, or a width that is none."""


def duration(seconds: int) -> str:
    """Format a duration as sacct does: `1-02:03:04`."""
    days, rest = divmod(int(seconds), 86400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{clock}" if days else clock


def energy(joules: float | None) -> str:
    """Format an energy: joules below a watt-hour, then Wh, kWh and MWh."""
    if joules is None:
        return ""
    for unit, size in (("MWh", 3.6e9), ("kWh", 3.6e6), ("Wh", 3.6e3)):
        if joules >= size:
            return f"{joules / size:.2f} {unit}"
    return f"{joules:.0f} J"


def _copied(key: str) -> Callable[[Record], str]:
    return lambda record: "" if record[key] is None else str(record[key])


def _time(key: str) -> Callable[[Record], str]:
    def text(record: Record) -> str:
        seconds = record[key]
        if seconds is None:
            return "Unknown"
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%dT%H:%M:%S")

    return text


def total_joules(record: Record) -> float | None:
    """Return the joules of a record, its GPUs included."""
    host, gpu = record["host_j"], record["gpu_j"]
    return None if host is None else float(host) + float(gpu or 0)


def _watts(record: Record) -> str:
    joules, measured_s = total_joules(record), record["wall_s"] * record["coverage"]
    return f"{joules / measured_s:.1f}" if joules is not None and measured_s else ""


def _efficiency(record: Record) -> str:
    used, held = record["cpu_used_s"], record["wall_s"] * record["cpus"]
    return f"{100 * used / held:.1f}%" if used is not None and held else ""


_FIELDS = (
    Field("JobID", 12, _copied("display_id")),
    Field("JobIDRaw", 12, _copied("id")),
    Field("JobName", 12, _copied("name")),
    Field("Cluster", 10, _copied("cluster")),
    Field("User", 10, _copied("user")),
    Field("Account", 10, _copied("account")),
    Field("Group", 10, _copied("group")),
    Field("Partition", 10, _copied("partition")),
    Field("QOS", 10, _copied("qos")),
    Field("State", 12, lambda record: str(record["state"]).upper()),
    Field("ExitCode", 8, _copied("exit_code")),
    Field("Submit", 19, _time("submitted_s")),
    Field("Start", 19, _time("started_s")),
    Field("End", 19, _time("ended_s")),
    Field("Elapsed", 11, lambda record: duration(record["wall_s"])),
    Field("ElapsedRaw", 10, _copied("wall_s")),
    Field("Suspended", 11, lambda record: duration(record["suspended_s"])),
    Field("AllocCPUS", 9, _copied("cpus")),
    Field("NNodes", 6, _copied("nodes")),
    Field("NGPUs", 5, _copied("gpus")),
    Field("NodeList", 15, _copied("node_list")),
    Field("ReqMem", 10, lambda record: f"{record['memory_mib']}M"),
    Field("CPUEff", 7, _efficiency),
    Field("Energy", 11, lambda record: energy(total_joules(record))),
    Field("EnergyRaw", 14, lambda record: str(total_joules(record) or "")),
    Field("GPUEnergy", 11, lambda record: energy(record["gpu_j"])),
    Field("AveWatts", 9, _watts),
    Field("Coverage", 8, lambda record: f"{100 * record['coverage']:.0f}%"),
    Field("Method", 10, _copied("method")),
    Field("ConsumedEnergyRaw", 17, _copied("scheduler_j")),
)
FIELDS: Mapping[str, Field] = MappingProxyType({field.name.lower(): field for field in _FIELDS})


def parse_format(text: str) -> list[Field]:
    """Parse `--format`, such as `JobID,User%20,Energy`; names in any case.

    Raises:
        FormatError: a field is unknown, or its width is none.
    """
    chosen = []
    for part in filter(None, text.split(",")):
        name, percent, width = part.strip().partition("%")
        field = FIELDS.get(name.lower())
        if field is None:
            raise FormatError(f"there is no field {name!r}: --helpformat lists them")
        if percent:
            if not width.lstrip("-").isdigit() or not 0 < abs(int(width)) <= 1000:
                raise FormatError(f"{part!r}: {width!r} is no width")
            field = field._replace(width=int(width))
        chosen.append(field)
    if not chosen:
        raise FormatError("--format has no field: --helpformat lists them")
    return chosen
