"""Cost of a process, as the kernel counts it: processor time, memory, descriptors, waiting."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of processor time so far.

    `cpu_s` is the process' own, `children_s` that of the children it has waited for, `loop_s` that
    of its first thread alone, in which the event loop is; `waited_s` is how long that thread was
    ready to run and could not, since others had the processors.
    """

    cpu_s: float
    children_s: float
    loop_s: float
    waited_s: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            self.cpu_s - other.cpu_s,
            self.children_s - other.children_s,
            self.loop_s - other.loop_s,
            self.waited_s - other.waited_s,
        )


def cost(pid: int) -> Cost:
    """Read what a process has cost until now."""
    directory = Path(f"/proc/{pid}")
    fields = (directory / "stat").read_text().rpartition(")")[2].split()
    own, children = (sum(map(int, fields[first : first + 2])) / _TICKS_PER_S for first in (11, 13))
    ran_ns, waited_ns = (directory / "task" / str(pid) / "schedstat").read_text().split()[:2]
    return Cost(own, children, int(ran_ns) * _NS, int(waited_ns) * _NS)


def waited_share() -> float:
    """Return the share of its time that this process was ready to run and had no processor."""
    spent = cost(os.getpid())
    return spent.waited_s / ((spent.waited_s + spent.loop_s) or 1.0)


def stolen_s() -> float:
    """Return the seconds that the host took processors away from this machine, of all of them."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) / _TICKS_PER_S


def resident_mib(pid: int, peak: bool = False) -> float:
    """Return the resident memory of a process, or its peak."""
    name = "VmHWM:" if peak else "VmRSS:"
    return int(Path(f"/proc/{pid}/status").read_text().split(name)[1].split()[0]) / 1024


def datagrams_dropped(pid: int) -> int:
    """Return the number of packets that found a UDP socket of the process full."""
    paths = Path(f"/proc/{pid}/fd").iterdir()
    ours = {os.readlink(path) for path in paths if path.is_symlink()}
    rows = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    return sum(int(row[-1]) for row in rows if f"socket:[{row[9]}]" in ours)


def descriptors(pid: int) -> int:
    """Return the number of files and sockets that a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
