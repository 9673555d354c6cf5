"""Users and accounts of jobs, from the files of a prolog and from variables of processes."""

import logging
from pathlib import Path
from typing import Any

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.units import processes
from rackwatt_exporter.units.model import UnitInfo, UnitsResult
from rackwatt_exporter.units.properties import finder
from rackwatt_exporter.units.properties.job import JobProperties, job_uuid
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open
from tests.exporter.units.jobs import Jobs

FILES = SlurmUnits(properties_directory="/run/slurmjobprops")
ALICE = (
    b"SLURM_JOB_ID={0}\0SLURM_JOB_USER=alice\0SLURM_JOB_ACCOUNT=physics\0SLURM_JOB_NAME=train\0"
    b"SLURM_JOB_NODELIST=n[1-2]\0SLURM_CLUSTER_NAME=prod\0SLURM_JOB_START_TIME=17\0"
)


def alice(job: int) -> bytes:
    return ALICE.replace(b"{0}", str(job).encode())


def infos(result: UnitsResult) -> dict[str, UnitInfo]:
    return {one.key.unit: one.info for one in result.units}


@pytest.mark.parametrize("version", [1, 2])
async def test_a_job_has_the_properties_that_its_processes_name(
    version: int, tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path, version)
    jobs.add(7, alice(7))
    (unit,) = (await units_of(jobs.tree, "slurm").read()).units
    known = JobProperties("alice", "physics", "n[1-2]", "train", "prod", "17")
    assert unit.info == UnitInfo(job_uuid("slurm", "7", known), "alice", "physics", "train")
    assert unit.nodelist == "n[1-2]"


@pytest.mark.parametrize(
    "variables",
    [
        b"SLURM_JOB_ID=7\0NOTE_SLURM_JOB_USER=eve\0SLURM_JOB_USER_2=eve\0slurm_job_user=eve\0",
        b"SLURM_JOB_ID=7\0SLURM_JOB_USER\0SLURM_JOB_ACCOUNT\0=\0",
        b"SLURM_JOB_ID=7\0SLURM_JOB_USER=\0",
        alice(8),  # a job that another one has started
        b"NOTE_SLURM_JOB_ID=7\0SLURM_JOB_USER=eve\0",
        b"",
    ],
)
async def test_variables_of_other_names_and_other_jobs_claim_nothing(
    variables: bytes, tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, variables)
    assert infos(await units_of(jobs.tree, "slurm").read()) == {"7": UnitInfo()}


async def test_properties_are_read_once_for_each_job(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, alice(7))
    reads: list[str] = []

    def counted(top: str, *others: Any, **named: Any) -> processes.Environments:
        reads.append(top)
        return processes.environments(top, *others, **named)

    monkeypatch.setattr(finder, "environments", counted)
    source = units_of(jobs.tree, "slurm")
    first = await source.read()
    (jobs.tree.procfs / "7/environ").write_bytes(b"SLURM_JOB_ID=7\0SLURM_JOB_USER=eve\0")
    assert infos(await source.read()) == infos(first)
    assert len(reads) == 1


async def test_of_many_jobs_that_are_there_at_the_start_some_follow_at_the_next_reading(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "MAX_AT_ONCE", 2)
    jobs = Jobs(tmp_path)
    for job in (7, 8, 9):
        jobs.add(job, alice(job))
    source = units_of(jobs.tree, "slurm")
    users = [sorted(info.user for info in infos(await source.read()).values()) for _ in range(2)]
    assert users == [["", "alice", "alice"], ["alice"] * 3]


async def test_a_job_whose_processes_name_it_later_is_looked_at_again(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, b"")
    source = units_of(jobs.tree, "slurm")
    assert infos(await source.read())["7"].user == ""
    (jobs.tree.procfs / "7/environ").write_bytes(alice(7))
    assert infos(await source.read())["7"].user == "alice"


async def test_variables_that_may_not_be_read_leave_the_user_unknown_and_it_is_said_once(
    tmp_path: Path,
    units_of: Open,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, alice(7))
    jobs.add(8, alice(8))
    monkeypatch.setattr(
        finder, "environments", lambda *_, **__: processes.Environments([], is_denied=True)
    )
    source = units_of(jobs.tree, "slurm")
    with caplog.at_level(logging.WARNING):
        results = [await source.read() for _ in range(3)]
    assert infos(results[-1]) == {"7": UnitInfo(), "8": UnitInfo()}
    assert results[-1].error is None
    assert "CAP_SYS_PTRACE" in results[-1].unknown
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_one_bad_file_of_a_prolog_costs_its_own_job_alone(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    files = tmp_path / "run/slurmjobprops"
    files.mkdir(parents=True)
    for job in (7, 8, 9):
        jobs.add(job, alice(job))  # what processes say does not take the place of a file
    (files / "7").write_text("bob chemistry n1\n")
    (files / "8").write_bytes(b"\xff\xfe\0garbage")
    source = units_of(jobs.tree, "slurm", FILES)
    result = await source.read()
    uuid = job_uuid("slurm", "7", JobProperties("bob", "chemistry", "n1"))
    assert infos(result) == {
        "7": UnitInfo(uuid, "bob", "chemistry"),
        "8": UnitInfo(),
        "9": UnitInfo(),
    }
    assert "2 jobs without properties" in result.unknown
    assert infos(await source.read()) == infos(result)  # a job without a name stays as it is


@pytest.mark.parametrize(
    ("manager", "path", "variables", "info"),
    [
        (
            "pbs",
            "pbs_jobs.service/jobs/12.head",
            b"PBS_JOBID=12.head\0PBS_O_LOGNAME=alice\0PBS_JOBNAME=train\0USER=root\0",
            ("alice", "", "train"),
        ),
        (
            "pbs",
            "pbs_jobs.service/jobs/12.head",
            b"PBS_JOBID=13.head\0PBS_O_LOGNAME=alice\0",
            ("", "", ""),
        ),
        (
            "gridengine",
            "UGE/12.1",
            b"JOB_ID=12\0SGE_O_LOGNAME=alice\0SGE_ACCOUNT=physics\0JOB_NAME=train\0",
            ("alice", "physics", "train"),
        ),
    ],
)
async def test_jobs_of_pbs_and_grid_engine_have_the_variables_of_theirs(
    manager: str,
    path: str,
    variables: bytes,
    info: tuple[str, str, str],
    tmp_path: Path,
    units_of: Open,
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(path, Use(), pid=99)
    (tree.procfs / "99").mkdir()
    (tree.procfs / "99/environ").write_bytes(variables)
    (unit,) = (await units_of(tree, manager).read()).units
    assert (unit.info.user, unit.info.account, unit.info.name) == info
    assert bool(unit.info.uuid) == bool(info[0])
