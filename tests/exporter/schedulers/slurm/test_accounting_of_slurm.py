"""Limits, fair shares and other clusters of a real Slurm 22.05 with slurmdbd and MariaDB.

Two clusters share them, and both have an account of one name. slurmdbd shows a user no more than is
its own, as PrivateData makes it; root sees everything.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.resources import Gres
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.commands import SETTINGS, VARIABLES, SlurmCommands
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.rest import SlurmRest
from rackwatt_exporter.schedulers.slurm.subject import SlurmSubject
from rackwatt_exporter.schedulers.slurm.subjects import SUBJECTS as SUBJECTS_OF_SLURM
from rackwatt_exporter.schedulers.slurm.subjects import wanted
from tests.eventually import PATIENCE_S
from tests.peers.slurm import REST_USER, SlurmCluster
from tests.peers.slurm_accounting import SlurmAccounting

MIB, GIB = 2**20, 2**30
ENFORCED = "AccountingStorageEnforce=limits,qos"
SUBJECTS = wanted({"limits", "limit_usage", "fairshare"})
OF_ALPHA = {
    Limit(
        "physics", parent="root", cpus=40, memory_bytes=40_000 * MIB, gres=(Gres("gpu", 4),),
        running_jobs=50, submitted_jobs=500,
    ),
    Limit("physics", REST_USER, cpus=16, running_jobs_per_user=3),
    Limit("plasma", parent="physics", memory_bytes=8 * GIB, running_jobs_per_user=7),
    Limit("plasma", "corp\\alice", running_jobs_per_user=7),
    Limit("plasma", REST_USER, "batch", running_jobs_per_user=7),
}  # fmt: skip
OF_QOS = {
    QosLimit("gold", "qos", cpus=4, running_jobs=2),
    QosLimit("gold", "user", gres=(Gres("gpu", 1),), running_jobs=1, submitted_jobs=9),
    QosLimit("gold", "account", memory_bytes=8 * GIB),
}  # fmt: skip
USAGE_OF_ALPHA = {
    LimitUsage("cpus", 2, 40, "physics"),
    LimitUsage("gres/gpu", 0, 4, "physics"),
    LimitUsage("running_jobs", 1, 50, "physics"),
    LimitUsage("submitted_jobs", 1, 500, "physics"),
    LimitUsage("cpus", 2, 16, "physics", REST_USER),
    LimitUsage("running_jobs", 1, 3, "physics", REST_USER),
    LimitUsage("cpus", 2, 4, qos="gold"),
    LimitUsage("running_jobs", 1, 2, qos="gold"),
    LimitUsage("gres/gpu", 0, 1, user=REST_USER, qos="gold"),
    LimitUsage("running_jobs", 1, 1, user=REST_USER, qos="gold"),
    LimitUsage("submitted_jobs", 1, 9, user=REST_USER, qos="gold"),
}
# The shares and the parent of each account and user of alpha.
SHARES = {
    ("root", ""): (None, ""),
    ("root", "root"): (1, ""),
    ("physics", ""): (10, "root"),
    ("physics", REST_USER): (5, ""),
    ("plasma", ""): (30, "physics"),
    ("plasma", REST_USER): (1, ""),
    ("plasma", "corp\\alice"): (1, ""),
}
OF_BETA = {Limit("physics", parent="root", cpus=8, running_jobs=5)}
COMMANDS = ("sinfo", "squeue", "sacctmgr", "scontrol", "sshare")
AS_ANOTHER = f"setpriv --reuid={REST_USER} --regid=nogroup --clear-groups"


@pytest.fixture(scope="module")
def accounting() -> Iterator[SlurmAccounting]:
    with SlurmAccounting("PrivateData=accounts,users,usage\n") as running:
        yield running


@pytest.fixture(scope="module")
def alpha(accounting: SlurmAccounting) -> Iterator[SlurmCluster]:
    """A cluster with nested accounts, in one of which a job runs."""
    with SlurmCluster(
        "n1", rest=True, more=ENFORCED, name="alpha", accounting=accounting
    ) as cluster:
        add_accounts(accounting)
        submit_job(cluster)
        yield cluster


def add_accounts(accounting: SlurmAccounting) -> None:
    """Give the cluster alpha the accounts and users of OF_ALPHA, and the QOS of OF_QOS."""
    limits = ("GrpTRES=cpu=40,mem=40000,gres/gpu=4", "GrpJobs=50", "GrpSubmitJobs=500")
    of_user = ("GrpTRES=cpu=16", "MaxJobs=3", "Fairshare=5")
    for kind, name, *settings in (
        ("account", "physics", *limits, "Fairshare=10"),
        ("account", "plasma", "parent=physics", "GrpTRES=mem=8G", "MaxJobs=7", "Fairshare=30"),
        ("user", REST_USER, "account=physics", *of_user),
        ("user", REST_USER, "account=plasma", "partition=batch"),
        ("user", "CORP\\alice", "account=plasma"),
    ):
        accounting.sacctmgr("add", kind, name, "cluster=alpha", *settings)
    of_user = ("MaxTRESPerUser=gres/gpu=1", "MaxJobsPerUser=1", "MaxSubmitJobsPerUser=9")
    of_all = ("GrpTRES=cpu=4", "GrpJobs=2", "MaxTRESPerAccount=mem=8G")
    accounting.sacctmgr("add", "qos", "gold", *of_all, *of_user)
    accounting.sacctmgr("modify", "account", "physics", "set", "qos=gold", "defaultqos=gold")


@pytest.fixture(scope="module")
def beta(accounting: SlurmAccounting) -> Iterator[SlurmCluster]:
    """Another cluster that has the account physics, with a node in a state of its own."""
    more = f"{ENFORCED}\nLicenses=beta:3"
    with SlurmCluster("m[1-2]", more=more, name="beta", accounting=accounting) as cluster:
        accounting.sacctmgr(
            "add", "account", "physics", "cluster=beta", "GrpTRES=cpu=8", "GrpJobs=5"
        )
        cluster.scontrol("update", "nodename=m2", "state=drain", "reason=test")
        cluster.scontrol("update", "partitionname=again", "state=drain", "maxnodes=2")
        cluster.scontrol(
            "create", "reservation", "user=root", "reservationname=betas", "starttime=now+1hour",
            "duration=60", "nodes=m1",
        )  # fmt: skip
        yield cluster


def submit_job(cluster: SlurmCluster) -> None:
    """Run a job of an account of alpha."""
    cluster.submit("-A", "physics", "-n2", f"--uid={REST_USER}", "-D", "/")
    cluster.wait_for(n1="MIXED")


def compute_usage(cluster: SlurmCluster) -> None:
    """Make slurmctld compute the usage of the job: it does so when it starts, and once a minute."""

    def has_usage() -> bool:
        rows = cluster.run("sshare", "-a", "-P", "-n", "-o", "User,RawUsage").splitlines()
        return any(row.startswith(f"{REST_USER}|") and not row.endswith("|0") for row in rows)

    cluster.wait(
        lambda: cluster.run("squeue", "-h", "-o", "%M").strip() > "0:02",
        "the job to run for seconds",
    )
    cluster.stop_controller()
    cluster.start_controller()
    cluster.wait(has_usage, "usage of the job")
    cluster.wait_for(n1="MIXED")


def wrappers(folder: Path, names: tuple[str, ...], as_another: tuple[str, ...] = ()) -> Path:
    """Put these commands into a folder, some of them run by a user without privileges."""
    for name in names:
        user = AS_ANOTHER if name in as_another else ""
        (folder / name).write_text(f'#!/bin/sh\nexec {user} {shutil.which(name)} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def commands(
    cluster: SlurmCluster,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None = None,
    folder: Path | None = None,
    timeout_s: float = PATIENCE_S,
    subjects: Sequence[SlurmSubject] = SUBJECTS,
) -> SlurmCommands:
    monkeypatch.setenv("SLURM_CONF", str(cluster.configuration))
    path = str(folder) if folder else None
    host = LocalHost(VARIABLES, SETTINGS)
    return SlurmCommands(
        SchedulerCommands(host, path, timeout_s), named, jobs=True, subjects=subjects
    )


async def by_rest(
    cluster: SlurmCluster, secrets: Path, named: str | None = None
) -> SchedulerSnapshot:
    (secrets / "slurm").mkdir()
    (secrets / "slurm" / "jwt.key").write_bytes(cluster.jwt_key.read_bytes())
    options = SlurmRestOptions(cluster.rest_url, user="root", jwt_key=SecretKey("slurm", "jwt.key"))
    slurm = SlurmRest(
        replace(options, cluster=named), Secrets(secrets), PATIENCE_S, jobs=True, subjects=SUBJECTS
    )
    try:
        return await slurm.read()
    finally:
        await slurm.close()


def limits(snapshot: SchedulerSnapshot) -> set[Limit]:
    assert snapshot.limits is not None, snapshot.note
    found = set(snapshot.limits)
    assert len(found) == len(snapshot.limits)
    return found


def fair_shares(snapshot: SchedulerSnapshot) -> dict[tuple[str, str], FairShare]:
    assert snapshot.fairshare is not None, snapshot.note
    return {(one.account, one.user): one for one in snapshot.fairshare}


async def test_limits_of_an_account_of_two_clusters_are_those_of_the_cluster_that_is_named(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in (
        await commands(alpha, monkeypatch, "alpha").read(),
        await by_rest(alpha, tmp_path, "alpha"),
    ):
        assert limits(snapshot) == OF_ALPHA
    assert limits(await commands(beta, monkeypatch, "beta").read()) == OF_BETA


async def test_limits_of_a_cluster_that_is_not_named_are_those_that_its_slurmctld_enforces(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits(await commands(alpha, monkeypatch).read()) == OF_ALPHA
    assert limits(await commands(beta, monkeypatch).read()) == OF_BETA


async def test_limits_of_a_qos_are_the_same_by_commands_and_by_slurmrestd(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for snapshot in (
        await commands(alpha, monkeypatch).read(),
        await by_rest(alpha, tmp_path, "alpha"),
    ):
        assert snapshot.qos_limits is not None, snapshot.note
        assert set(snapshot.qos_limits) == OF_QOS


async def test_use_of_limits_is_that_of_the_cluster_that_is_named_and_of_its_jobs(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for named in (None, "alpha"):
        snapshot = await commands(alpha, monkeypatch, named).read()
        assert snapshot.limit_usage is not None, snapshot.note
        assert set(snapshot.limit_usage) >= USAGE_OF_ALPHA
    elsewhere = await commands(beta, monkeypatch, "beta").read()
    assert elsewhere.limit_usage is not None, elsewhere.note
    assert {(one.used, one.account or one.qos) for one in elsewhere.limit_usage} == {
        (0, "physics"), (0, "gold"),
    }  # fmt: skip
    rest = await by_rest(alpha, tmp_path, "alpha")
    assert rest.limit_usage is None
    assert "usages of limits are not known: bad_reply: slurmrestd does not report them" in rest.note


@pytest.mark.usefixtures("beta")
async def test_limits_of_a_slurmrestd_that_does_not_say_which_cluster_it_has_are_not_known(
    alpha: SlurmCluster, tmp_path: Path
) -> None:
    snapshot = await by_rest(alpha, tmp_path)
    assert snapshot.limits is None
    assert "limits are not known: bad_reply: /slurmdb/v0.0.38/associations" in snapshot.note
    assert "associations lists 2 clusters (alpha, beta): slurm.cluster" in snapshot.note
    assert snapshot.nodes.keys() == {"n1"}


async def test_limits_that_private_data_of_slurmdbd_hides_come_from_slurmctld(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = wrappers(tmp_path, COMMANDS, ("sacctmgr",))
    snapshot = await commands(alpha, monkeypatch, "alpha", folder).read()
    assert limits(snapshot) == OF_ALPHA


async def test_limits_where_there_is_no_sacctmgr_come_from_slurmctld(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = wrappers(tmp_path, tuple(name for name in COMMANDS if name != "sacctmgr"))
    snapshot = await commands(alpha, monkeypatch, "alpha", folder).read()
    assert limits(snapshot) == OF_ALPHA


async def test_limits_and_shares_that_slurmctld_hides_too_are_not_known(
    accounting: SlurmAccounting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PrivateData leaves a user its own association, which is no list of those of the cluster."""
    hiding = f"{ENFORCED}\nPrivateData=accounts,users,usage"
    with SlurmCluster("n1", name="delta", accounting=accounting, more=hiding) as cluster:
        accounting.sacctmgr("add", "account", "physics", "cluster=delta", "GrpJobs=5")
        accounting.sacctmgr("add", "user", REST_USER, "account=physics", "cluster=delta")
        folder = wrappers(tmp_path, COMMANDS, ("sacctmgr", "scontrol", "sshare"))
        snapshot = await commands(cluster, monkeypatch, "delta", folder).read()
    assert (snapshot.limits, snapshot.limit_usage, snapshot.fairshare) == (None, None, None)
    for what in ("`scontrol show assoc_mgr`", "`sshare -a`"):
        assert f"{what} lists one user at most: PrivateData hides the others" in snapshot.note
    assert snapshot.nodes.keys() == {"n1"}
    assert snapshot.jobs == ()


async def test_fair_shares_are_those_of_nested_accounts_and_of_users_whether_they_have_a_uid_or_not(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fair_shares(await commands(alpha, monkeypatch, "alpha").read())
    assert {key: (one.shares, one.parent) for key, one in found.items()} == SHARES
    assert found["physics", ""].shares_ratio == pytest.approx(10 / 11, abs=1e-6)
    assert found["plasma", REST_USER].partition == "batch"
    assert {one.factor for key, one in found.items() if not key[1]} == {None}


async def test_fair_shares_of_a_user_with_usage_are_lower_than_of_one_without(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute_usage(alpha)
    found = fair_shares(await commands(alpha, monkeypatch, "alpha").read())
    used, unused, account = (
        found[key] for key in (("physics", REST_USER), ("plasma", "corp\\alice"), ("physics", ""))
    )
    assert used.usage_s
    assert (used.usage_ratio, unused.usage_ratio, account.usage_ratio) == (1, 0, 1)
    assert used.level == pytest.approx(used.shares_ratio, abs=1e-6)
    assert account.level == pytest.approx(account.shares_ratio, abs=1e-6)
    assert unused.level == "inf"
    assert used.factor
    assert unused.factor
    assert used.factor < unused.factor


async def test_fair_shares_that_slurmrestd_does_not_have_are_not_known(
    alpha: SlurmCluster, tmp_path: Path
) -> None:
    snapshot = await by_rest(alpha, tmp_path, "alpha")
    assert snapshot.fairshare is None
    assert "fair shares are not known: bad_reply: slurmrestd has no /slurm/v0.0.38/shares" in (
        snapshot.note
    )


async def test_nodes_of_another_cluster_are_read_by_its_name_through_slurmdbd(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = await commands(alpha, monkeypatch, "beta").read()
    assert {name: node.state for name, node in snapshot.nodes.items()} == {
        "m1": "idle",
        "m2": "drained",
    }
    assert snapshot.cluster == "beta"
    assert snapshot.jobs == ()
    assert limits(snapshot) == OF_BETA
    assert fair_shares(snapshot).keys() == {("root", ""), ("root", "root"), ("physics", "")}
    assert (await commands(beta, monkeypatch).read()).nodes == snapshot.nodes


async def test_each_subject_of_another_cluster_is_read_by_its_name(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command has -M, but for sacctmgr: it names the cluster, and QOS are those of all."""
    for _ in range(3):  # alpha has had one at most
        beta.cancel(beta.submit("-n1", "--hold"))
    there = await commands(alpha, monkeypatch, "beta", subjects=SUBJECTS_OF_SLURM).read()
    here = await commands(beta, monkeypatch, subjects=SUBJECTS_OF_SLURM).read()
    own = await commands(alpha, monkeypatch, subjects=SUBJECTS_OF_SLURM).read()
    assert there.note == here.note == ""
    for subject in SUBJECTS_OF_SLURM:
        value, of_beta, of_alpha = (getattr(one, subject.field) for one in (there, here, own))
        assert value is not None, subject.field
        if subject.field == "diagnostics":  # others of its counters count these very requests
            value, of_beta, of_alpha = value.jobs, of_beta.jobs, of_alpha.jobs
        assert value == of_beta, subject.field
        assert (value == of_alpha) is (subject.field == "qos_limits"), subject.field


async def test_a_cluster_that_slurmdbd_does_not_list_has_no_nodes_of_another(
    alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ReadError, match=r"names a cluster that slurmdbd does not list") as caught:
        await commands(alpha, monkeypatch, "gamma").read()
    assert caught.value.reason is Reason.COMMAND_FAILED
    assert "sacctmgr show cluster" in (caught.value.remedy or "")


async def test_a_slurmctld_of_another_cluster_that_is_down_is_named(
    alpha: SlurmCluster, beta: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    beta.stop_controller()
    try:
        with pytest.raises(ReadError, match="cannot reach slurmctld of cluster beta") as caught:
            await commands(alpha, monkeypatch, "beta").read()
    finally:
        beta.start_controller()
    assert caught.value.reason is Reason.UNREACHABLE


async def test_a_slurmdbd_that_hangs_is_named_where_it_has_to_find_the_cluster(
    accounting: SlurmAccounting, alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = commands(alpha, monkeypatch, "alpha", timeout_s=3)
    with accounting.frozen(), pytest.raises(ReadError) as caught:
        await slurm.read()
    assert caught.value.reason is Reason.TIMEOUT
    assert "slurmdbd, which knows where alpha is, or slurmctld there did not answer sinfo" in str(
        caught.value
    )


async def test_a_cluster_cannot_be_named_where_there_is_no_slurmdbd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with SlurmCluster("n1", name="solo") as cluster:
        with pytest.raises(ReadError, match="no slurmdbd that knows where it is") as caught:
            await commands(cluster, monkeypatch, "solo").read()
        snapshot = await commands(cluster, monkeypatch).read()
    assert caught.value.reason is Reason.COMMAND_FAILED
    assert "Leave slurm.cluster out" in (caught.value.remedy or "")
    assert snapshot.nodes.keys() == {"n1"}
    assert (snapshot.limits, snapshot.qos_limits) == (None, None)
    assert "limits of QOS are not known: command_failed: this Slurm has no slurmdbd" in (
        snapshot.note
    )


async def test_a_slurmdbd_that_hangs_costs_limits_and_neither_nodes_nor_jobs_nor_shares(
    accounting: SlurmAccounting, alpha: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = commands(alpha, monkeypatch, timeout_s=12)
    with accounting.frozen():
        snapshot = await slurm.read()
    assert snapshot.limits is None
    assert "limits are not known: timeout: slurmdbd did not answer sacctmgr in time" in (
        snapshot.note
    )
    assert snapshot.nodes.keys() == {"n1"}
    assert snapshot.jobs
    assert fair_shares(snapshot)


async def test_a_slurmdbd_that_is_down_costs_limits_by_rest_and_none_by_commands(
    accounting: SlurmAccounting,
    alpha: SlurmCluster,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """slurmctld has a copy, which it enforces."""
    accounting.stop()
    try:
        there = await by_rest(alpha, tmp_path, "alpha")
        here = await commands(alpha, monkeypatch).read()
        with pytest.raises(ReadError, match="slurmdbd, which knows where it is") as caught:
            await commands(alpha, monkeypatch, "alpha").read()
    finally:
        accounting.start()
    assert "Leave slurm.cluster out" in (caught.value.remedy or "")
    assert there.limits is None
    assert "limits are not known: unreachable: slurmrestd cannot reach slurmdbd" in there.note
    assert limits(here) == OF_ALPHA
    for snapshot in (here, there):
        assert snapshot.nodes.keys() == {"n1"}
        assert snapshot.jobs


async def test_use_of_limits_that_are_not_enforced_is_not_known(
    accounting: SlurmAccounting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """slurmctld then prints 0 of them, although the job holds CPUs."""
    with SlurmCluster("n1", name="lax", accounting=accounting) as cluster:
        accounting.sacctmgr("add", "account", "physics", "cluster=lax", "GrpTRES=cpu=8")
        accounting.sacctmgr("add", "user", "root", "account=physics", "cluster=lax")
        cluster.submit("-A", "physics", "-n2")
        cluster.wait_for(n1="MIXED")
        printed = cluster.scontrol("-o", "show", "assoc_mgr", "flags=assoc", "accounts=physics")
        assert "GrpTRES=cpu=8(0)" in printed
        snapshot = await commands(cluster, monkeypatch).read()
    assert snapshot.limit_usage is None
    assert "AccountingStorageEnforce is none" in snapshot.note
    assert limits(snapshot) >= {Limit("physics", parent="root", cpus=8)}
