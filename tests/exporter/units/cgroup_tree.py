"""Control groups of both versions as Linux 6.1 shows them, in a directory of a test's own.

Files are changed in place, as a kernel's are: a reader that holds one open reads what it says now.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

UNLIMITED_V1 = 9223372036854771712  # the largest multiple of a page below 2^63
V1 = ("cpu,cpuacct", "memory", "cpuset", "blkio", "pids", "rdma", "freezer", "devices")


@dataclass(frozen=True)
class Use:
    """What a control group has used, and may use; `limit` is None where there is none."""

    user_us: int = 0
    system_us: int = 0
    anonymous: int = 0
    file: int = 0
    swap: int = 0
    limit: int | None = None
    swap_limit: int | None = None
    failures: int = 0
    oom_kills: int = 0
    cpus: str = ""
    shares: int = 1024
    quota_us: int | None = None
    throttled_us: int = 0
    pressure_us: int = 0
    read: int = 0
    written: int = 0
    tasks: int = 1
    handles: int = 0

    @property
    def current(self) -> int:
        return self.anonymous + self.file + 4096

    @property
    def weight(self) -> int:
        """The weight that the kubelet writes for these shares."""
        return 1 + (self.shares - 2) * 9999 // 262142


class CgroupTree:
    """Control groups below `sys/fs/cgroup` of a directory; version 1, 2, or 0 for both."""

    def __init__(self, directory: Path, version: int = 2) -> None:
        self.version = version
        self.sysfs = directory / "sys"
        self.procfs = directory / "proc"
        self.root = self.sysfs / "fs/cgroup"
        self.procfs.mkdir(parents=True, exist_ok=True)
        self.diskstats("259 0 nvme0n1", "8 0 sda")
        if version == 2:
            self._write(self.root / "cgroup.controllers", "cpuset cpu io memory pids rdma\n")
        else:
            for controllers in V1:
                self._write(self.root / controllers / "cgroup.procs", "1\n")
            for link in ("cpu", "cpuacct"):
                (self.root / link).symlink_to("cpu,cpuacct")
        if version == 0:
            self._write(self.root / "unified/cgroup.controllers", "")

    def diskstats(self, *devices: str) -> None:
        text = "".join(f"   {device} 1 0 8 1 1 0 8 1 0 1 1 0 0 0 0 0 0\n" for device in devices)
        self._write(self.procfs / "diskstats", text)

    def group(self, path: str, use: Use, below: str = "", pid: int = 4242) -> None:
        """Make a control group, or change it; its process is in the group `below` it."""
        files = files_v2(use) if self.version == 2 else files_v1(use)
        for name, text in files.items():
            self.write(path, name, text)
        mark = "cgroup.procs"
        process = f"{pid}\n" if use.tasks else ""
        for top in self.tops():
            self._write(top / path / mark, "" if below else process)
            if below:
                self._write(top / path / below / mark, process)

    def write(self, path: str, name: str, text: str) -> None:
        """Change one file of a control group."""
        self._write(self._place(path, name), text)

    def tops(self) -> list[Path]:
        """The root of each hierarchy."""
        return [self.root] if self.version == 2 else [self.root / one for one in V1]

    def empty(self, path: str) -> None:
        """End all processes of a group that stays."""
        for file in (one for top in self.tops() for one in (top / path).rglob("cgroup.procs")):
            file.write_text("")
        events = self.root / path / "cgroup.events"
        if events.exists():
            events.write_text("populated 0\nfrozen 0\n")
        pids = self.root / "pids" / path / "pids.current"
        if pids.exists():
            pids.write_text("0\n")

    def remove(self, path: str) -> None:
        for top in self.tops():
            shutil.rmtree(top / path)

    def _place(self, path: str, name: str) -> Path:
        if self.version == 2:
            return self.root / path / name
        controller = "cpu,cpuacct" if name.startswith("cpu") else name.partition(".")[0]
        return self.root / ("cpuset" if name.startswith("cpuset") else controller) / path / name

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files_v2(use: Use) -> dict[str, str]:
    pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total={0}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={1}\n"
    quota = "max" if use.quota_us is None else use.quota_us
    io = "8:0 rbytes={0} wbytes={1} rios={2} wios={3} dbytes=0 dios=0\n"
    return {
        "cpu.stat": f"usage_usec {use.user_us + use.system_us}\nuser_usec {use.user_us}\nsystem_usec {use.system_us}\n"
        "nice_usec 0\ncore_sched.force_idle_usec 0\nnr_periods 9\n"
        f"nr_throttled {use.throttled_us // 1000}\nthrottled_usec {use.throttled_us}\nnr_bursts 0\nburst_usec 0\n",
        "memory.stat": f"anon {use.anonymous}\nfile {use.file}\nkernel 4096\nkernel_stack 0\nshmem 0\ninactive_anon {use.anonymous}\n",
        "memory.current": f"{use.current}\n",
        "memory.max": "max\n" if use.limit is None else f"{use.limit}\n",
        "memory.events": f"low 0\nhigh 0\nmax {use.failures}\noom {use.oom_kills}\noom_kill {use.oom_kills}\noom_group_kill 0\n",
        "memory.swap.current": f"{use.swap}\n",
        "memory.swap.max": "max\n" if use.swap_limit is None else f"{use.swap_limit}\n",
        "memory.swap.events": "high 0\nmax 0\nfail 0\n",
        "cpu.pressure": pressure.format(use.pressure_us, use.pressure_us // 2),
        "memory.pressure": pressure.format(0, 0),
        "io.pressure": pressure.format(0, 0),
        "cpu.max": f"{quota} 100000\n",
        "cpu.weight": f"{use.weight}\n",
        "cpuset.cpus": f"{use.cpus}\n",
        "cpuset.cpus.effective": f"{use.cpus or '0-63'}\n",
        "io.stat": io.format(use.read, use.written, use.read // 512, use.written // 512) if use.read else "",
        "rdma.current": f"mlx5_0 hca_handle={use.handles} hca_object={use.handles * 31}\n" if use.handles else "",
        "pids.current": f"{use.tasks}\n",
        "cgroup.events": f"populated {int(use.tasks > 0)}\nfrozen 0\n",
    }  # fmt: skip


def files_v1(use: Use) -> dict[str, str]:
    """A job's own memory and I/O are those of its steps: `total_` and `_recursive` alone count."""
    limit = UNLIMITED_V1 if use.limit is None else use.limit
    both = (
        UNLIMITED_V1 if use.swap_limit is None or use.limit is None else use.limit + use.swap_limit
    )
    blocks = "8:0 Read {0}\n8:0 Write {1}\n8:0 Sync 0\n8:0 Async 0\n8:0 Discard 0\n8:0 Total {2}\nTotal {2}\n"
    size = blocks.format(use.read, use.written, use.read + use.written) if use.read else "Total 0\n"
    count = blocks.format(use.read // 512, use.written // 512, 0) if use.read else "Total 0\n"
    return {
        "cpuacct.usage": f"{(use.user_us + use.system_us) * 1000}\n",
        "cpuacct.usage_user": f"{use.user_us * 1000}\n",
        "cpuacct.usage_sys": f"{use.system_us * 1000}\n",
        "cpuacct.stat": f"user {use.user_us // 10000}\nsystem {use.system_us // 10000}\n",
        "cpu.stat": f"nr_periods 9\nnr_throttled {use.throttled_us // 1000}\nthrottled_time {use.throttled_us * 1000}\n",
        "cpu.shares": f"{use.shares}\n",
        "cpu.cfs_quota_us": f"{-1 if use.quota_us is None else use.quota_us}\n",
        "cpu.cfs_period_us": "100000\n",
        "memory.stat": "cache 0\nrss 0\nrss_huge 0\nswap 0\nhierarchical_memory_limit 0\n"
        f"total_cache {use.file}\ntotal_rss {use.anonymous}\ntotal_rss_huge 0\ntotal_shmem 0\ntotal_swap {use.swap}\ntotal_pgpgin 9\n",
        "memory.usage_in_bytes": f"{use.current}\n",
        "memory.limit_in_bytes": f"{limit}\n",
        "memory.memsw.limit_in_bytes": f"{both}\n",
        "memory.failcnt": f"{use.failures}\n",
        "cpuset.cpus": f"{use.cpus or '0-63'}\n",
        "blkio.throttle.io_service_bytes": "Total 0\n",
        "blkio.throttle.io_serviced": "Total 0\n",
        "blkio.throttle.io_service_bytes_recursive": size,
        "blkio.throttle.io_serviced_recursive": count,
        "pids.current": f"{use.tasks}\n",
        "rdma.current": f"mlx5_0 hca_handle={use.handles} hca_object={use.handles * 31}\n" if use.handles else "",
    }  # fmt: skip
