import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.sources.pbs.accounting_log import END, parse_logs
from rackwatt_exporter.reading import ReadError, Reason

ENDED = (
    '11/21/2026 01:20:09;E;12.pbsm;user=alice group="RConsole Users" account="proj 1" '
    "project=_pbs_project_default jobname=train queue=workq ctime=1795223454 qtime=1795223454 "
    "etime=1795223454 start=1795223519 exec_host=n1/0*4+n2/0*4 "
    "exec_vnode=(n1:ncpus=4:mem=512000kb:ngpus=2)+(n2:ncpus=4:mem=512000kb:ngpus=2) "
    "Resource_List.mem=1000mb Resource_List.ncpus=8 Resource_List.nodect=2 "
    "Resource_List.walltime=00:10:00 session=29648 end=1795224009 Exit_status=0 "
    "resources_used.cpupercent=99 resources_used.cput=01:00:01 resources_used.mem=204800kb "
    "resources_used.ncpus=8 resources_used.walltime=00:08:00 run_count=1"
)
REQUEUED = ENDED.replace(";E;", ";R;").replace(
    "end=1795224009 Exit_status=0", "end=1795223600 Exit_status=-14"
)
TORQUE = (
    "11/21/2026 01:20:09;E;7.torque;user=bob group=users jobname=x queue=batch ctime=1795223454 "
    "qtime=1 etime=1 start=1795223519 owner=bob@login exec_host=n1/0-3+n2/1 "
    "Resource_List.nodes=2 session=1 end=1795224009 Exit_status=265 resources_used.cput=00:00:02"
)


def output(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, END)).encode()


def test_the_end_of_a_run_is_a_unit_with_what_it_held_and_used() -> None:
    (unit,) = parse_logs(output(ENDED))
    assert (unit.id, unit.started_at_s, unit.ended_at_s) == ("12.pbsm", 1795223519, 1795224009)
    assert (unit.user, unit.group, unit.account) == ("alice", "RConsole Users", "proj 1")
    assert (unit.name, unit.partition, unit.state) == ("train", "workq", "completed")
    assert (unit.cpus, unit.nodes, unit.gpus, unit.memory_mib) == (8, 2, 4, 1000)
    assert (unit.cpu_used_ms, unit.memory_used_mib) == (3_601_000, 200)
    assert unit.node_list == "n1,n2"
    assert unit.tres == "gpu=4,mem=1000M,ncpus=8"


def test_a_run_that_was_requeued_is_one_and_the_next_another() -> None:
    again = ENDED.replace("start=1795223519", "start=1795223700")
    first, second = parse_logs(output(REQUEUED, again))
    assert (first.state, first.exit_code) == ("requeued", "-14")
    assert first.key != second.key


def test_a_line_of_torque_has_its_processors_in_exec_host() -> None:
    (unit,) = parse_logs(output(TORQUE))
    assert (unit.user, unit.cpus, unit.nodes, unit.state) == ("bob", 5, 2, "failed")


def test_an_array_is_its_tasks() -> None:
    array, task = ENDED.replace("12.pbsm", "12[].pbsm"), ENDED.replace("12.pbsm", "12[3].pbsm")
    (unit,) = parse_logs(output(array, task))
    assert (unit.id, unit.array) == ("12[3].pbsm", "12")


def test_what_a_user_writes_changes_neither_user_nor_times() -> None:
    forged = ENDED.replace('account="proj 1"', "account=x user=bob start=1 end=2")
    (unit,) = parse_logs(output(forged))
    assert (unit.user, unit.started_at_s, unit.ended_at_s) == ("alice", 1795223519, 1795224009)


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        ENDED.encode(),
        output(ENDED)[:-9],
        output(ENDED).replace(b"\n" + END.encode(), END.encode()),
    ],
)
def test_an_output_that_was_cut_is_an_error(cut: bytes) -> None:
    with pytest.raises(ReadError) as raised:
        parse_logs(cut)
    assert raised.value.reason is Reason.BAD_REPLY


@given(st.binary(max_size=300))
def test_any_bytes_are_units_or_an_error(text: bytes) -> None:
    for some in (text, output(ENDED).replace(b"train", text), text + output(ENDED)):
        try:
            units = parse_logs(some)
        except ReadError:
            continue
        assert all(unit.user in ("alice", "") for unit in units)
