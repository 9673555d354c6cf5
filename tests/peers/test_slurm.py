"""The cluster that other tests rely on: it comes, and it goes without leaving anything behind."""

from pathlib import Path

import pytest

from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_release import RELEASES, SlurmRelease


def processes(directory: Path) -> list[str]:
    """Name every process that knows of a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ, words = ((process / name).read_bytes() for name in ("environ", "cmdline"))
        except OSError:
            continue
        if str(directory).encode() in environ + words:
            found.append(words.decode(errors="replace").replace("\0", " "))
    return found


def cgroups() -> set[Path]:
    """Return what a slurmd of these nodes would make; other tests have names of their own."""
    names = ("slurm", "slurm_n1", "slurm_n2")
    return {path for name in names for path in Path("/sys/fs/cgroup").glob(f"*/{name}")}


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_a_cluster_leaves_nothing_behind_even_with_jobs_that_run(release: SlurmRelease) -> None:
    before = cgroups()
    with SlurmCluster("n[1-2]", "d1", rest=True, release=release) as cluster:
        assert cluster.run("sinfo", "--version").split()[-1] == release.version
        assert release.version >= release.name  # a suite may have a newer one by now
        cluster.submit("-w", "n1", "-n8")
        cluster.wait_for(n1="ALLOCATED")
        cluster.wait(
            lambda: any("sleep 1000" in line for line in processes(cluster.directory)), "the job"
        )
    assert not processes(cluster.directory)
    assert str(cluster.directory) not in Path("/proc/net/unix").read_text()  # of a slurmstepd
    assert not cluster.directory.exists()
    assert cgroups() == before


def test_decorative_nodes_stay_as_they_are_set() -> None:
    with SlurmCluster("n1", "d[1-4]") as cluster:
        cluster.scontrol("update", "nodename=d[2-4]", "state=idle")
        cluster.allocate("-w", "d3", "-n8")
        cluster.scontrol("update", "nodename=d4", "state=drain", "reason=test")
        cluster.wait_for(d1="DOWN", d2="IDLE", d3="ALLOCATED", d4="IDLE+DRAIN")


def test_a_start_that_fails_leaves_nothing_behind_either() -> None:
    cluster = SlurmCluster("n1", more="AuthType=auth/nonsense")
    with pytest.raises(TimeoutError, match="nonsense"), cluster:
        pass
    assert not processes(cluster.directory)
    assert not cluster.directory.exists()
