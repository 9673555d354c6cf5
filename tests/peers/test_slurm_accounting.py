"""The accounting that clusters of tests may share: it comes, and it goes without a trace."""

import resource
from pathlib import Path

from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_accounting import SlurmAccounting
from tests.peers.test_slurm import processes


def test_two_clusters_of_one_slurmdbd_know_each_other_and_leave_nothing_behind() -> None:
    with SlurmAccounting() as accounting:
        with (
            SlurmCluster("n1", name="alpha", accounting=accounting) as alpha,
            SlurmCluster("m[1-2]", name="beta", accounting=accounting) as beta,
        ):
            for cluster in (alpha, beta):
                assert "Nodes=m[1-2]" in cluster.scontrol(
                    "-M", "beta", "show", "partition", "batch"
                )
        assert processes(accounting.directory)
        assert not processes(alpha.directory) + processes(beta.directory)
    assert not processes(accounting.directory)
    assert not accounting.directory.exists()


def test_slurmdbd_leaves_no_core_dump_where_tests_run() -> None:
    with SlurmAccounting() as accounting:
        pid = int((accounting.directory / "slurmdbd.pid").read_text())
        assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
        assert (Path("/proc") / str(pid) / "cwd").readlink() == accounting.directory


def test_associations_outlive_slurmdbd() -> None:
    with SlurmAccounting() as accounting:
        accounting.add_cluster("alpha")
        accounting.sacctmgr("add", "account", "physics", "GrpTRES=cpu=40")
        accounting.stop()
        accounting.start()
        listed = accounting.sacctmgr("show", "assoc", "-P", "-n", "format=Account,GrpTRES")
    assert "physics|cpu=40" in listed.splitlines()
