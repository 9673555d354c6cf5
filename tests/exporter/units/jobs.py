"""Jobs of Slurm over a tree of control groups, each with a process that has some variables."""

from pathlib import Path

from tests.exporter.units.cgroup_tree import CgroupTree, Use

JOB = "system.slice/slurmstepd.scope/job_{0}"
STEP = "step_0/user/task_0"


class Jobs:
    """The jobs of one node."""

    def __init__(self, directory: Path, version: int = 2) -> None:
        self.tree = CgroupTree(directory, version)

    def add(self, job: int, environ: bytes, step: str = STEP, use: Use | None = None) -> None:
        path = JOB.format(job) if self.tree.version == 2 else f"slurm/uid_1/job_{job}"
        process = self.tree.procfs / str(job)  # there before it is in a group, as a kernel's is
        process.mkdir(exist_ok=True)
        (process / "environ").write_bytes(environ)
        self.tree.group(path, use or Use(), below=step, pid=job)
