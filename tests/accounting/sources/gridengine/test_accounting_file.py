import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_accounting.sources.gridengine.accounting_file import END, parse_file
from rackwatt_exporter.reading import ReadError, Reason

# As sge_qmaster 8.1.9 wrote them.
JOB = (
    "all.q:e2:users:alice:a.b:1:acct:0:1796078708:1796078708:1796078715:100:137:7:0.002477:0.007020:"
    "4520.000000:0:0:0:0:561:0:0:0.000000:32:0:0:0:10:8:physics:defaultdepartment:NONE:1:0:1.5:"
    "0.000000:0.000074:NONE:0.000000:NONE:3674112.000000:0:0"
)
TASK = JOB.replace(":physics:defaultdepartment:NONE:1:0:", ":NONE:defaultdepartment:NONE:1:2:")
PARALLEL = JOB.replace(":physics:defaultdepartment:NONE:1:0:", ":physics:d:mpi:64:0:").replace(
    "0.000074:NONE:", "0.000074:-l h_rt=1:00:00 -pe mpi 64:"
)


def output(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in (*lines, END)).encode()


def test_a_line_is_a_unit_with_its_project_as_account() -> None:
    (unit,) = parse_file(output(JOB))
    assert (unit.id, unit.started_at_s, unit.ended_at_s) == ("1", 1796078708, 1796078715)
    assert (unit.user, unit.group, unit.account, unit.name) == ("alice", "users", "physics", "a.b")
    assert (unit.state, unit.exit_code, unit.partition, unit.node_list) == (
        "failed",
        "137",
        "all.q",
        "e2",
    )
    assert (unit.cpus, unit.nodes, unit.cpu_used_ms, unit.memory_used_mib) == (1, 1, 1500, 3)


def test_tasks_of_an_array_have_ids_of_their_own_and_no_project_leaves_the_account() -> None:
    (unit,) = parse_file(output(TASK))
    assert (unit.id, unit.array, unit.account) == ("1.2", "1", "acct")


def test_a_parallel_job_is_one_unit_though_its_category_has_colons() -> None:
    part = PARALLEL.replace(":NONE:3674112", ":1.e3:3674112")
    (unit,) = parse_file(output(part, PARALLEL))
    assert (unit.cpus, unit.nodes) == (64, 0)


def test_a_run_that_was_rescheduled_is_one_of_two() -> None:
    (unit,) = parse_file(output(JOB.replace(":100:137:", ":25:0:")))
    assert unit.state == "requeued"


def test_milliseconds_of_newer_releases_are_seconds() -> None:
    newer = JOB.replace(
        "1796078708:1796078708:1796078715", "1796078708001:1796078708002:1796078715999"
    )
    (unit,) = parse_file(output(newer))
    assert (unit.started_at_s, unit.ended_at_s) == (1796078708, 1796078715)


def test_a_job_that_never_ran_held_nothing() -> None:
    (unit,) = parse_file(output(JOB.replace(":1796078708:1796078715:", ":0:0:")))
    assert (unit.has_run, unit.cpus, unit.ended_at_s) == (False, 0, 1796078708)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        JOB.encode(),
        output(JOB)[:-5],
        output(JOB[:90]),
        output(JOB.replace(":1:0:1.5", ":x:0:1.5")),
    ],
)
def test_what_is_cut_or_no_such_line_is_an_error(text: bytes) -> None:
    with pytest.raises(ReadError) as raised:
        parse_file(text)
    assert raised.value.reason is Reason.BAD_REPLY


@given(st.text(alphabet="0123456789:.NOEx-\n", max_size=300))
def test_any_text_is_units_or_an_error(text: str) -> None:
    for some in (output(text), output(JOB.replace("physics", text))):
        try:
            units = parse_file(some)
        except ReadError:
            continue
        assert all(unit.ended_at_s is not None for unit in units)
