"""Flux as its documentation has it: resources, jobs and commands. No real Flux is here."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.flux.commands import COMMANDS, parse_version
from rackwatt_exporter.schedulers.flux.jobs import parse_jobs
from rackwatt_exporter.schedulers.flux.resources import parse_nodes
from rackwatt_exporter.schedulers.json_commands import JsonScheduler
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.commands import PrintingHost
from tests.exporter.schedulers.snapshots import states

LIST = b"free|n[0-2]|\nallocated|n[2-4]|\ndown|n[5-9]|\n"
STATUS = b"avail|n[0-3]|\ndraining|n4|\ndrained|n5|\ndrained*|n6|\nexclude|n7|\noffline|n[6,8]|\n"
EXPECTED = {
    "n0": "idle",
    "n1": "idle",
    "n2": "mixed",
    "n3": "allocated",
    "n4": "draining",
    "n5": "drained",
    "n6": "drained",
    "n7": "exclude",
    "n8": "down",
    "n9": "down",
}
RUNNING = {
    "id": 26742882304,
    "state": "RUN",
    "username": "alice",
    "bank": "phys",
    "queue": "batch",
    "urgency": 16,
    "ncores": 8,
    "nnodes": 2,
    "nodelist": "n[3-4]",
    "t_submit": 1795222499.25,
    "t_run": 1795222500.5,
}


def named(listed: bytes, status: bytes) -> dict[str, str]:
    nodes = parse_nodes(listed, status).nodes
    return {name: node.state for name, node in nodes.items()}


def output(*records: dict[str, Any]) -> bytes:
    return json.dumps({"jobs": records}).encode()


def job(**values: Any) -> Job:
    (found,) = parse_jobs(output(RUNNING | values)).jobs or ()
    return found


def test_nodes_have_the_scheduler_s_state_and_the_administrator_s() -> None:
    assert named(LIST, STATUS) == EXPECTED


@pytest.mark.parametrize(
    ("listed", "status", "state"),
    [
        (b"free|n1|", b"avail||", "idle"),
        (b"free|n1|", b"avail|n1|", "idle"),
        (b"free|n1|", b"avail*|n1|", "down"),
        (b"free|n1|", b"torpid|n1|", "torpid"),
        (b"free|n1|\ndown|n1|", b"avail||", "down"),
        (b"free||", b"avail|n1|", "unknown"),
        (b"allocated|n1|", b"offline|n1|", "down"),
        (b"down|n1|", b"exclude|n1|", "exclude"),
    ],
)
def test_a_node_is_idle_only_where_it_is_free_and_nothing_else(
    listed: bytes, status: bytes, state: str
) -> None:
    assert named(listed, status) == {"n1": state}


def test_a_greeting_is_no_node_and_a_broken_list_hides_no_other() -> None:
    noise = b"Welcome to flux1\nLoading modules... free|n1|\nallocated|n[2-|\ndown||\n"
    nodes = parse_nodes(noise, b"avail||")
    assert (set(nodes.nodes), nodes.unread) == ({"n1"}, 1)


def test_a_job_that_runs_holds_cores_on_its_nodes() -> None:
    assert job() == Job(
        "26742882304",
        "running",
        user="alice",
        account="phys",
        partitions=("batch",),
        submitted_at_s=1795222499,
        started_at_s=1795222500,
        allocated=Resources(8),
        nodes=("n3", "n4"),
    )
    assert job(nodelist="n3").per_node == (Resources(8),)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"state": "DEPEND"}, "pending"),
        ({"state": "PRIORITY", "urgency": 0}, "held"),
        ({"state": "SCHED"}, "pending"),
        ({"state": "SCHED", "urgency": None}, "pending"),
        ({"state": "CLEANUP"}, "completing"),
        ({"state": "INACTIVE", "result": "CANCELED"}, "cancelled"),
        ({"state": "INACTIVE", "result": "COMPLETED"}, "completed"),
        ({"state": "INACTIVE"}, "inactive"),
        ({"state": "DREAM"}, "dream"),
        ({"state": None}, "unknown"),
    ],
)
def test_a_job_has_its_state(values: dict[str, Any], state: str) -> None:
    found = job(**values)
    assert found.state == state
    assert bool(found.nodes) == bool(found.allocated) == (state == "completing")


def test_a_job_without_an_id_is_counted_and_hides_no_other() -> None:
    listed = parse_jobs(output({}, RUNNING, {"id": "ƒA6aD2ryR"}, {"id": -1}))
    assert [one.id for one in listed.jobs or ()] == ["26742882304", "ƒA6aD2ryR"]
    assert listed.unread == 2


VALUES: st.SearchStrategy[object] = st.sampled_from(
    ["RUN", "SCHED", "INACTIVE", "n[1-2]", "n[", ""]
) | (st.integers(-9, 2**70) | st.none() | st.text(max_size=4) | st.floats() | st.just([]))


@given(st.lists(st.dictionaries(st.sampled_from([*RUNNING, "result"]), VALUES), max_size=5))
def test_jobs_of_any_records_are_within_the_model(records: list[dict[str, Any]]) -> None:
    jobs = parse_jobs(output(*records)).jobs
    snapshot = SchedulerSnapshot({}, jobs=jobs)
    assert relay.decode(relay.encode(snapshot)) == snapshot


LINES = st.lists(
    st.sampled_from(["free", "down", "allocated", "avail", "drained*", "x", ""]).flatmap(
        lambda state: st.sampled_from(["n1", "n[1-3]", "n[", ""]).map(lambda n: f"{state}|{n}|")
    ),
    max_size=4,
).map("\n".join)


@given(LINES | st.text(max_size=50), LINES | st.text(max_size=50))
def test_nodes_of_any_lines_are_within_the_model_and_idle_only_if_free(
    listed: str, status: str
) -> None:
    try:
        snapshot = SchedulerSnapshot(parse_nodes(listed.encode(), status.encode()).nodes)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    assert relay.decode(relay.encode(snapshot)) == snapshot
    assert all(
        power_exporter_state(node.state) != "idle" or "free" in listed
        for node in snapshot.nodes.values()
    )


def scheduler(**printed: bytes | ReadError) -> JsonScheduler:
    lines = {name.replace("_", " "): text for name, text in printed.items()}
    return JsonScheduler(COMMANDS, SchedulerCommands(PrintingHost(lines), None, 5), jobs=True)


VERSION = b"commands:    \t\t0.66.0\nlibflux-core:\t\t0.66.0\n"


async def test_a_reading_is_of_three_commands() -> None:
    made = scheduler(
        flux_resource_list=LIST,
        flux_resource_status=STATUS,
        flux_jobs=output(RUNNING),
        flux_version=VERSION,
    )
    snapshot = await made.read()
    assert states(snapshot) == EXPECTED
    assert (snapshot.version, len(snapshot.jobs or ()), snapshot.note) == ("0.66.0", 1, "")


async def test_flux_without_an_instance_is_unreachable() -> None:
    stderr = "flux-resource: ERROR: Unable to connect to Flux: flux_open: No such file\n"
    error = CommandError(Reason.COMMAND_FAILED, "status 1", stderr)
    with pytest.raises(ReadError) as caught:
        await scheduler(flux_resource_list=error).read()
    assert caught.value.reason is Reason.UNREACHABLE


async def test_flux_whose_broker_is_gone_is_unreachable() -> None:
    error = CommandError(Reason.COMMAND_FAILED, "status 1", "ERROR: broker: Connection refused")
    with pytest.raises(ReadError) as caught:
        await scheduler(flux_resource_list=error).read()
    assert caught.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("listed", "status", "said"),
    [
        (LIST, b"", "not what flux resource status prints: nothing"),
        (LIST, b"<html>", "not what flux resource status prints: <html>"),
        (b"[]", STATUS, "not what flux resource list prints"),
    ],
)
async def test_half_of_what_is_known_of_nodes_is_no_answer(
    listed: bytes, status: bytes, said: str
) -> None:
    """A drained node would be down, or a node out of service idle."""
    with pytest.raises(ReadError, match=said) as caught:
        await scheduler(flux_resource_list=listed, flux_resource_status=status).read()
    assert caught.value.reason is Reason.BAD_REPLY


async def test_flux_jobs_that_prints_nothing_is_no_empty_list() -> None:
    printed = {"flux_resource_list": LIST, "flux_resource_status": STATUS}
    snapshot = await scheduler(**printed, flux_jobs=b"", flux_version=VERSION).read()
    assert (states(snapshot), snapshot.jobs) == (EXPECTED, None)
    assert "flux jobs printed nothing" in snapshot.note
    assert (await scheduler(**printed, flux_jobs=output(), flux_version=VERSION).read()).jobs == ()


def test_a_version_is_found_where_there_is_one() -> None:
    assert parse_version(VERSION) == "0.66.0"
    assert parse_version(b"flux") == ""
