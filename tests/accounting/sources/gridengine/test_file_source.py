"""The accounting file of a real Grid Engine 8.1.9, and files that a test writes."""

import os
import time
from pathlib import Path

import pytest

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.gridengine.file_source import GridEngineSource
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from tests.accounting.sources.gridengine.test_accounting_file import JOB
from tests.peers.gridengine import GridEngineCluster

START_S, END_S = 1796078708, 1796078715


def source(root: Path) -> GridEngineSource:
    return GridEngineSource(SchedulerCommands(LocalHost((), (f"SGE_ROOT={root}",)), None, 10))


async def listed(of: GridEngineSource, window: Window) -> list[Unit]:
    return [unit async for batch in of.units(window) for unit in batch]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "default" / "common" / "accounting"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="hosts of Grid Engine are namespaces of root")
async def test_jobs_of_a_real_grid_engine_are_units() -> None:
    before_s = int(time.time())
    with GridEngineCluster("e[1-2]") as cluster:
        cluster.add_project("physics")
        cluster.add_queue("all.q", "e[1-2]", slots="4")
        cluster.wait(lambda: set(cluster.letters().values()) == {""})
        job = cluster.submit("-N", "a.b", "-P", "physics", "-A", "acct")
        array = cluster.submit("-t", "1-2")
        parallel = cluster.submit("-pe", "mpi", "2")
        cluster.wait(lambda: cluster.qstat("-u", "*", "-s", "r").count(" r ") == 4)
        cluster.qdel(job, array, parallel)
        root = cluster.directory / "root"
        accounting = root / "default" / "common" / "accounting"
        cluster.wait(lambda: accounting.exists() and accounting.read_text().count("\n") == 8)
        units = await listed(source(root), Window(before_s, int(time.time()) + 1))
    found = {unit.id: unit for unit in units}
    assert found.keys() == {job, f"{array}.1", f"{array}.2", parallel}
    assert (found[job].name, found[job].account, found[job].user) == ("a.b", "physics", "daemon")
    assert [found[one].cpus for one in (job, parallel)] == [1, 2]
    for unit in units:
        assert unit.ended_at_s is not None
        assert before_s <= (unit.submitted_at_s or 0) <= unit.started_at_s <= unit.ended_at_s


async def test_a_window_has_what_ended_since_its_start(file: Path) -> None:
    old = JOB.replace(":1:acct:", ":2:acct:").replace(str(END_S), str(START_S + 1))
    later = JOB.replace(":1:acct:", ":3:acct:").replace(str(START_S), str(END_S + 1))
    file.write_text(
        f"# Version: 8.1.9\n# \n{old}\n{JOB}\n{later.replace(str(END_S), str(END_S + 9))}\n"
    )
    units = await listed(source(file.parents[2]), Window(START_S + 2, END_S + 1))
    assert [unit.id for unit in units] == ["1"]


async def test_years_of_a_file_are_not_read(file: Path) -> None:
    old = JOB.replace(str(START_S), "1500000000").replace(str(END_S), "1500000001")
    beyond = JOB.replace(":1:acct:", ":9:acct:")  # out of order, behind what is looked at
    file.write_text(f"{beyond}\n" + f"{old}\n" * 2000 + f"{JOB}\n")
    units = await listed(source(file.parents[2]), Window(START_S, END_S))
    assert [unit.id for unit in units] == ["1"]


async def test_units_are_found_by_their_ids(file: Path) -> None:
    file.write_text(f"{JOB}\n{JOB.replace(':1:acct:', ':2:acct:')}\n")
    found = source(file.parents[2]).units_by_id(["2", "7"], START_S)
    assert [unit.id async for some in found for unit in some] == ["2"]


async def test_a_file_that_is_not_there_is_an_error_and_no_empty_list(file: Path) -> None:
    with pytest.raises(ReadError, match="no such cell") as raised:
        await listed(source(file.parents[2]), Window(START_S, END_S))
    assert raised.value.reason is Reason.COMMAND_FAILED


async def test_without_sge_root_the_document_is_to_name_it() -> None:
    of = GridEngineSource(SchedulerCommands(LocalHost(), None, 10))
    with pytest.raises(ReadError, match=r"gridengine\.root"):
        await listed(of, Window(START_S, END_S))
