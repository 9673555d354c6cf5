"""A Slurm whose jobs are in control groups of version 1 of this machine.

Control groups are the machine's: each cluster has its own below `slurm_NODE`, because slurmd was
built with several of them on a machine, and removes what is left of them when it ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.peers.slurm import SlurmCluster

ROOT = Path("/sys/fs/cgroup")
CAN_RUN = os.getuid() == 0 and (ROOT / "cpuacct").exists()
WHY_NOT = "needs root and control groups of version 1: Slurm's of version 2 need systemd"
_CONTAINED = """
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/cgroup
JobAcctGatherFrequency=task=0
"""


@contextmanager
def contained_slurm(node: str, gpus: int = 0) -> Iterator[SlurmCluster]:
    """Run a Slurm of one node."""
    with SlurmCluster(node, more=_CONTAINED, gpus=gpus) as cluster:
        (cluster.directory / "cgroup.conf").write_text(
            "CgroupPlugin=cgroup/v1\nConstrainRAMSpace=yes\n"
        )
        cluster.scontrol("reconfigure")
        yield cluster
    for top in ROOT.iterdir():
        groups = sorted((top / f"slurm_{node}").rglob("*"), key=lambda one: -len(one.parts))
        for group in (*groups, top / f"slurm_{node}"):
            with suppress(OSError):
                group.rmdir()


def used_ns(node: str, job: str) -> int:
    """Return the CPU time that the kernel has counted for a job."""
    (path,) = (ROOT / "cpuacct" / f"slurm_{node}").glob(f"uid_*/job_{job}")
    return int((path / "cpuacct.usage").read_text())
