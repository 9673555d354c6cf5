"""A node measured from inside: counters of RAPL and control groups of jobs, in a test's directory.

Files are changed in place, as a kernel's are.
"""

from pathlib import Path

from tests.exporter.collectors.powercap import EPYC, Powercap
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.jobs import JOB

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec:
  interval: 200ms
  staleAfter: 10m
  node:
    collectors: [rapl, hwmon]
    units: {slurm: {}, pbs: {}}
    energy: {model: {idleWatts: 10}}
"""
CPUS = 4
TICKS_PER_S = 100


class NodeSite:
    """One machine; `hwmon` is a collector of it that always fails, for there is none."""

    def __init__(self, directory: Path) -> None:
        self.tree = CgroupTree(directory)
        self.documents = directory / "documents"
        self.documents.mkdir()
        (self.documents / "nodes.yaml").write_text(DOCUMENT)
        self._rapl = Powercap(self.tree.sysfs, EPYC)
        (self.tree.procfs / "meminfo").write_text("MemTotal: 8000 kB\nMemAvailable: 4000 kB\n")
        self.joules = self.busy_s = 0.0
        self.jobs: dict[str, float] = {}
        self.draw(0.0)

    def draw(self, joules: float, system_s: float = 0.0, **jobs: float) -> None:
        """Use energy, and CPU time: of each job, and beside them."""
        self.joules += joules
        self.busy_s += system_s + sum(jobs.values())
        for name, used_s in jobs.items():
            self.jobs[name] = self.jobs.get(name, 0.0) + used_s
            use = Use(user_us=round(self.jobs[name] * 1e6), anonymous=1 << 30, cpus="0-1")
            number = int(name.removeprefix("job_"))
            self.tree.group(JOB.format(number), use, pid=number)
        busy = round(self.busy_s * TICKS_PER_S)
        lines = [
            f"cpu{number} {busy if number == 0 else 0} 0 0 0 0 0 0 0" for number in range(CPUS)
        ]
        (self.tree.procfs / "stat").write_text("\n".join([f"cpu {busy} 0 0 0 0 0 0 0", *lines, ""]))
        self._rapl.show(intel_rapl_0=self.joules)
