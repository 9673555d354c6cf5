"""The commands on a host: the script that reads the logs is run by a real shell."""

from pathlib import Path

import pytest

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.pbs.logs_and_queue import PbsSource
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from tests.accounting.sources.pbs.test_accounting_log import ENDED

# As qstat of PBS 23.06 prints it, without what is not read.
QSTAT = """{"timestamp":1795223546,"pbs_version":"23.06.06","pbs_server":"pbsm","Jobs":{
"0.pbsm":{"Job_Name":"train","Job_Owner":"alice@pbsm","resources_used":{"cput":"00:00:00"},
"job_state":"R","queue":"workq","Account_Name":"proj1","ctime":"Sat Nov 21 01:10:54 2026",
"exec_host":"pbsm/0*4","exec_vnode":"(pbsm:ncpus=4:mem=512000kb:ngpus=2)","Resource_List":
{"mem":"500mb","ncpus":4},"stime":"Sat Nov 21 01:11:59 2026","euser":"alice","egroup":"staff"},
"1[].pbsm":{"Job_Name":"arr","job_state":"B","stime":"Sat Nov 21 01:11:59 2026"},
"2.pbsm":{"Job_Name":"waits","job_state":"Q","euser":"bob"}}}
"""
DAY = Window(1795219200, 1795305600)


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    logs = tmp_path / "server_priv" / "accounting"
    logs.mkdir(parents=True)
    queued = "11/21/2026 01:00:00;Q;12.pbsm;queue=workq"
    for day in ("20261118", "20261121", "20261122", "20261124"):
        (logs / day).write_text(f"{queued}\n{ENDED.replace('12.pbsm', f'{day}.pbsm')}\n")
    (logs / "notes").write_text("x;E;y\n")
    (tmp_path / "pbs.conf").write_text(f"PBS_HOME={tmp_path}\n")
    (tmp_path / "qstat.json").write_text(QSTAT)
    (tmp_path / "qstat").write_text(f"#!/bin/sh\ncat {tmp_path}/qstat.json\n")
    (tmp_path / "qstat").chmod(0o755)
    monkeypatch.setenv("PBS_CONF_FILE", str(tmp_path / "pbs.conf"))
    return tmp_path


def source(pbs: Path) -> PbsSource:
    host = LocalHost(("PBS_CONF_FILE",), ("TZ=UTC0",))
    return PbsSource(SchedulerCommands(host, str(pbs), 10))


async def listed(of: PbsSource, window: Window = DAY) -> list[Unit]:
    return [unit async for batch in of.units(window) for unit in batch]


async def test_a_window_has_the_ends_of_its_days_and_what_runs(pbs: Path) -> None:
    running, *ended = await listed(source(pbs))
    assert [unit.id for unit in ended] == ["20261121.pbsm", "20261122.pbsm"]
    assert (running.id, running.started_at_s, running.ended_at_s) == ("0.pbsm", 1795223519, None)
    assert (running.user, running.group, running.account) == ("alice", "staff", "proj1")
    assert (running.name, running.cpus, running.gpus, running.memory_mib) == ("train", 4, 2, 500)


async def test_a_job_that_ended_meanwhile_is_listed_once(pbs: Path) -> None:
    (pbs / "qstat.json").write_text(QSTAT.replace("0.pbsm", "20261121.pbsm", 1))
    units = await listed(source(pbs))
    assert [unit.ended_at_s is None for unit in units if unit.id == "20261121.pbsm"] == [False]


async def test_units_are_found_by_their_ids(pbs: Path) -> None:
    found = source(pbs).units_by_id(["20261122.pbsm", "9.pbsm"], DAY.from_s)
    assert [unit.id async for some in found for unit in some] == ["20261122.pbsm"]


async def test_a_host_without_logs_is_an_error_and_no_empty_list(pbs: Path) -> None:
    (pbs / "pbs.conf").write_text(f"PBS_HOME={pbs}/elsewhere\n")
    with pytest.raises(ReadError, match="own host") as raised:
        await listed(source(pbs))
    assert raised.value.reason is Reason.PERMISSION_DENIED


async def test_without_qstat_there_is_an_error(pbs: Path) -> None:
    (pbs / "qstat").write_text("#!/bin/sh\necho 'Connection refused' >&2; exit 1\n")
    with pytest.raises(ReadError) as raised:
        await listed(source(pbs))
    assert raised.value.reason is Reason.UNREACHABLE
