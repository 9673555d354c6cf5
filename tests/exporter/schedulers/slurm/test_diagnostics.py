"""Diagnostics of every version that was captured: what text and JSON have in common is the same."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.diagnostics import (
    Backfill,
    Cycles,
    Diagnostics,
    Requests,
)
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.diagnostics import parse_json
from rackwatt_exporter.schedulers.slurm.sdiag_text import parse_text

DATA = Path(__file__).parents[3] / "data"
# What sdiag --json itself adds, since it is an RPC, and the sums and the maximum that one form
# of a version lacks.
STATS = "REQUEST_STATS_INFO"


def read(capture: str) -> Diagnostics:
    parse = parse_json if capture.endswith(".json") else parse_text
    value, note = parse((DATA / capture).read_bytes())
    assert note == ""
    return cast(Diagnostics, value)


def in_common(one: Diagnostics) -> Diagnostics:
    main, backfill = (
        msgspec.structs.replace(cycles, sum_us=None, max_us=None)
        for cycles in (one.main, one.backfill)
    )
    types = tuple(row for row in one.rpcs_by_type if row.name != STATS)
    return msgspec.structs.replace(
        one, main=main, backfill=backfill, rpcs_by_type=types, rpcs_by_user=()
    )


def test_the_text_of_22_05_is_read_whole() -> None:
    by_user = (Requests("root", 19, 8749, 0),)
    one = read("slurm-22.05/subjects/sdiag.txt")
    assert one == Diagnostics(
        threads=3,
        agents=1,
        agent_threads=3,
        agent_queue=0,
        dbd_agent_queue=0,
        since_s=1796053541,
        jobs={"submitted": 4, "started": 1, "completed": 0, "cancelled": 0, "failed": 0},
        main=Cycles(2, 73, 80, 76, None, 3),
        backfill=Cycles(4, 281, 357, 292, None, 3),
        backfilled=Backfill(0, 0, 3, 3, 3),
        rpcs_by_type=one.rpcs_by_type,
        rpcs_by_user=by_user,
    )
    assert len(one.rpcs_by_type) == 9
    assert one.rpcs_by_type[1] == Requests("REQUEST_CREATE_RESERVATION", 4, 704, 3006)
    assert one.backfill.spent_us == 4 * 292


def test_the_json_of_26_05_is_read_whole_with_the_sums_that_text_lacks() -> None:
    one = read("slurm-26.05/subjects/sdiag.json")
    exits = dict.fromkeys(
        ("default_queue_depth", "max_job_start", "max_rpc_cnt", "max_sched_time", "licenses"), 0
    )
    assert one.main == Cycles(3, 106, 106, 72, 217, 3, {"end_job_queue": 3, **exits})
    assert one.backfill.sum_us == one.backfill.spent_us == 834
    assert one.backfill.exits["end_job_queue"] == 4
    assert one.backfill.exits["node_space_size"] == 0
    assert one.rpcs_by_user == (Requests("root", 25, 5497, 0),)
    assert Requests(STATS, 1, 222, 2035) in one.rpcs_by_type


@pytest.mark.parametrize("version", ["23.11", "24.11", "26.05"])
def test_text_and_json_of_a_version_have_the_same_of_what_both_have(version: str) -> None:
    text, json = (read(f"slurm-{version}/subjects/sdiag.{form}") for form in ("txt", "json"))
    assert in_common(text) == in_common(json)
    (by_text,), (by_json,) = text.rpcs_by_user, json.rpcs_by_user
    (own,) = (row for row in json.rpcs_by_type if row.name == STATS)
    assert by_json == Requests("root", by_text.count + own.count, by_text.time_us + own.time_us, 0)


def test_versions_of_the_interface_of_one_slurm_have_the_same_cluster() -> None:
    whole = [read(f"slurm-24.11/sdiag_v0.0.{version}.json") for version in (40, 41, 42)]
    alike = [(one.threads, one.since_s, one.jobs, one.backfill.count) for one in whole]
    assert alike == [alike[0]] * 3
    # v0.0.40 has no maximum of backfill cycles, and no sum of the main ones.
    assert [one.backfill.max_us for one in whole] == [None, 0, 0]
    assert [one.main.sum_us for one in whole] == [None, 855, 855]


def test_slurmrestd_of_22_05_lacks_what_its_sdiag_has_of_the_last_backfill() -> None:
    text, json = read("slurm-22.05/sdiag.txt"), read("slurm-22.05/diag_v0.0.38.json")
    assert text.backfilled.last_depth == 0
    assert json.backfilled.last_depth is None
    assert json.backfill.sum_us is None
    assert (json.jobs, json.since_s) == (text.jobs, text.since_s)


def test_an_average_that_is_not_set_costs_nothing() -> None:
    rpc = b"\tREQUEST_PING ( 1008) count:0 ave_time:N/A total_time:0\n"
    text = (DATA / "slurm-22.05/subjects/sdiag.txt").read_bytes()
    with_unset = text.replace(b"by message type\n", b"by message type\n" + rpc)
    value, note = parse_text(with_unset)
    ping = Requests("REQUEST_PING", 0, 0, 1008)
    whole = read("slurm-22.05/subjects/sdiag.txt")
    types = tuple(sorted((*whole.rpcs_by_type, ping), key=lambda row: row.name))
    assert (value, note) == (msgspec.structs.replace(whole, rpcs_by_type=types), "")

    statistics = {
        "server_thread_count": 2,
        "bf_cycle_mean": None,
        "schedule_cycle_mean": {"set": False, "number": 0},
        "rpcs_by_user": [
            {"user": "a", "count": 1, "total_time": 2, "average_time": {"set": False}}
        ],
    }
    value, _ = parse_json(msgspec.json.encode({"statistics": statistics}))
    assert value == Diagnostics(threads=2, rpcs_by_user=(Requests("a", 1, 2),))


def test_a_number_that_cannot_be_read_costs_that_number_alone() -> None:
    text = (DATA / "slurm-22.05/subjects/sdiag.txt").read_bytes()
    value, _ = parse_text(text.replace(b"Agent count:          1", b"Agent count: many"))
    assert value == msgspec.structs.replace(read("slurm-22.05/subjects/sdiag.txt"), agents=None)


def test_a_row_that_cannot_be_read_is_counted() -> None:
    note = "1 row of a table of RPCs could not be read"
    text = (DATA / "slurm-22.05/subjects/sdiag.txt").read_bytes()
    _, noted = parse_text(text.replace(b"( 3006) count:4 ", b"( 3006) count:four "))
    assert noted == note
    rows = [{"user": "a", "count": "many", "total_time": 2}]
    json = {"statistics": {"server_thread_count": 1, "rpcs_by_user": rows}}
    assert parse_json(msgspec.json.encode(json)).note == note


def test_users_of_one_name_add_up() -> None:
    row = b"\tCORP\\alice      (%8d) count:%d      ave_time:1    total_time:%d\n"
    text = (DATA / "slurm-22.05/subjects/sdiag.txt").read_bytes()
    rows = row % (70, 2, 30) + row % (71, 3, 40)
    value, _ = parse_text(text.replace(b"statistics by user\n", b"statistics by user\n" + rows))
    assert Requests("CORP\\alice", 5, 70) in cast(Diagnostics, value).rpcs_by_user


@pytest.mark.parametrize(
    "output",
    [b"", b"Welcome\n", b"<html>log in</html>", b"{}", b"\xff{", b'{"statistics": {}}'],
)
def test_an_output_that_is_none_of_diagnostics_is_a_bad_reply(output: bytes) -> None:
    for parse in (parse_text, parse_json):
        with pytest.raises(ReadError) as caught:
            parse(output)
        assert caught.value.reason is Reason.BAD_REPLY


def test_a_greeting_before_and_words_behind_diagnostics_are_passed_over() -> None:
    for form, parse in (("txt", parse_text), ("json", parse_json)):
        output = (DATA / f"slurm-26.05/subjects/sdiag.{form}").read_bytes()
        greeted = parse(b"Agent count: 99\nWelcome {to}: 7\n" + output + b"\nbye: 8\n")
        assert greeted == parse(output)


LINES = st.sampled_from(
    (DATA / "slurm-26.05/subjects/sdiag.txt").read_text().splitlines(keepends=True)
)
SCALARS = st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.none()


def statistics(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    row = st.dictionaries(st.sampled_from(["user", "message_type", "count", "total_time"]), SCALARS)
    values = SCALARS | st.lists(row | SCALARS) | st.dictionaries(st.text(), SCALARS)
    return st.dictionaries(st.sampled_from(keys), values)


@given(
    st.binary()
    | st.lists(LINES | st.text()).map(lambda lines: ("sdiag output at\n" + "".join(lines)).encode())
    | statistics(
        ["server_thread_count", "rpcs_by_user", "rpcs_by_message_type", "bf_exit", "bf_cycle_sum"]
    ).map(lambda one: msgspec.json.encode({"statistics": one}))
)
def test_whatever_is_printed_is_diagnostics_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            value = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, diagnostics=value)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot


def test_a_user_without_a_passwd_entry_is_named_by_the_uid() -> None:
    root = {"user_id": 0, "user": "root", "count": 9, "total_time": 9}
    unknown = {"user_id": 54321, "user": "", "count": 1, "total_time": 205}
    nameless = {"type_id": 7, "message_type": "", "count": 1, "total_time": 1}
    statistics = {
        "server_thread_count": 1,
        "rpcs_by_user": [root, unknown, {"user": "", "count": 1, "total_time": 1}],
        "rpcs_by_message_type": [nameless],
    }
    value, note = parse_json(msgspec.json.encode({"statistics": statistics}))
    read = cast(Diagnostics, value)
    assert read.rpcs_by_user == (Requests("54321", 1, 205, 54321), Requests("root", 9, 9, 0))
    assert read.rpcs_by_type == ()
    assert note.startswith("2 ")
