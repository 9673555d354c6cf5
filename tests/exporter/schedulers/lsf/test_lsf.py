"""LSF as its documentation has it: hosts, jobs and commands. No real LSF is here."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.json_commands import JsonScheduler
from rackwatt_exporter.schedulers.lsf.commands import BHOSTS, BJOBS, COMMANDS, parse_version
from rackwatt_exporter.schedulers.lsf.hosts import parse_nodes
from rackwatt_exporter.schedulers.lsf.jobs import parse_hosts, parse_jobs
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.commands import PrintingHost
from tests.exporter.schedulers.snapshots import states

# The sample of LSF's documentation.
BHOSTS_OUTPUT = b"""{
  "COMMAND":"bhosts",
  "HOSTS":1,
  "RECORDS":[
    {
      "HOST_NAME":"ip-10-30-9-105",
      "STATUS":"closed_Full",
      "MAX":"4",
      "NJOBS":"4",
      "RUN":"4",
      "SSUSP":"0",
      "USUSP":"0",
      "RSV":"0"
    }
  ]
}
"""
RUNNING = {
    "JOBID": "1234",
    "JOBINDEX": "0",
    "STAT": "RUN",
    "USER": "alice",
    "QUEUE": "normal",
    "PROJ_NAME": "phys",
    "EXEC_HOST": "a:a:b",
    "SLOTS": "3",
}


def output(*records: dict[str, Any]) -> bytes:
    return json.dumps({"COMMAND": "x", "RECORDS": records}).encode()


def host(status: str = "ok", jobs: str = "0", slots: str = "8") -> SchedulerNode:
    record = {"HOST_NAME": "a", "STATUS": status, "MAX": slots, "NJOBS": jobs}
    return parse_nodes(output(record)).nodes["a"]


def job(**values: Any) -> Job:
    (found,) = parse_jobs(output(RUNNING | values)).jobs or ()
    return found


def test_the_documented_sample_is_a_full_host() -> None:
    full = SchedulerNode(
        "allocated", "allocated", total=Resources(cpus=4), allocated=Resources(cpus=4)
    )
    assert parse_nodes(BHOSTS_OUTPUT) == ({"ip-10-30-9-105": full}, 0)


@pytest.mark.parametrize(
    ("status", "jobs", "state"),
    [
        ("ok", "0", "idle"),
        ("ok", "1", "allocated"),
        ("ok", "-", "unknown"),
        ("", "0", "unknown"),
        ("-", "0", "unknown"),
        ("closed_Adm", "0", "drained"),
        ("closed_Adm", "2", "draining"),
        ("closed_Full", "0", "closed_full"),
        ("closed_Excl", "1", "allocated"),
        ("closed_Busy", "0", "closed_busy"),
        ("closed_Busy", "2", "allocated"),
        ("closed_Lock", "0", "closed_lock"),
        ("closed", "0", "closed"),
        ("unavail", "0", "down"),
        ("unavail", "3", "down"),
        ("unreach", "0", "not_responding"),
        ("closed_Next", "0", "closed_next"),
    ],
)
def test_a_host_is_idle_only_where_it_is_ok_and_has_no_job(
    status: str, jobs: str, state: str
) -> None:
    assert host(status, jobs).state == state


def test_a_host_without_a_limit_of_slots_has_no_known_number() -> None:
    assert host(slots="-").total is None


def test_a_host_without_a_name_is_counted_and_hides_no_other() -> None:
    named = {"HOST_NAME": "a", "STATUS": "ok", "MAX": "1", "NJOBS": "0"}
    listed = parse_nodes(output({"STATUS": "ok"}, named, {"HOST_NAME": "-"}))
    assert (set(listed.nodes), listed.unread) == ({"a"}, 2)


def test_a_job_that_runs_holds_slots_of_each_host() -> None:
    assert job() == Job(
        "1234",
        "running",
        user="alice",
        account="phys",
        partitions=("normal",),
        allocated=Resources(3),
        nodes=("a", "b"),
        per_node=(Resources(2), Resources(1)),
    )


def test_a_task_of_an_array_is_of_its_array() -> None:
    found = job(JOBID=1234, JOBINDEX=7)
    assert (found.id, found.array) == ("1234[7]", "1234")


@pytest.mark.parametrize(
    ("stat", "state", "requested", "allocated"),
    [
        ("PEND", "pending", 3, None),
        ("PSUSP", "held", 3, None),
        ("PROV", "configuring", None, 3),
        ("USUSP", "suspended", None, 3),
        ("SSUSP", "suspended", None, 3),
        ("DONE", "completed", None, None),
        ("EXIT", "failed", None, None),
        ("UNKWN", "unknown", None, None),
        ("ZOMBI", "zombi", None, None),
        ("-", "unknown", None, None),
    ],
)
def test_a_job_requests_slots_while_it_waits_and_holds_them_while_it_is_active(
    stat: str, state: str, requested: int | None, allocated: int | None
) -> None:
    found = job(STAT=stat)
    assert found.state == state
    assert found.requested == (None if requested is None else Resources(requested))
    assert found.allocated == (None if allocated is None else Resources(allocated))


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("a", {"a": 1}),
        ("4*a:b:b", {"a": 4, "b": 2}),
        (":".join(["node-with-a-long-name.example.org"] * 99), {"node-with-a-long-name.example.org": 99}),
        ("-", {}),
        ("", {}),
        ("*mple.org:a", {}),  # cut to the width of the column
        ("0*a", {}),
    ],
)  # fmt: skip
def test_hosts_are_counted_in_both_spellings(text: str, hosts: dict[str, int]) -> None:
    assert parse_hosts(text) == hosts


def test_a_job_whose_hosts_were_cut_holds_slots_of_no_known_node() -> None:
    found = job(EXEC_HOST="*mple.org:a")
    assert (found.nodes, found.per_node, found.allocated) == ((), (), Resources(3))


VALUES = st.sampled_from(["a", "ok", "closed_Adm", "RUN", "PEND", "-", "", "7", "2*a:b"]) | (
    st.integers(-9, 2**70) | st.none() | st.text(max_size=4) | st.lists(st.none(), max_size=1)
)
KEYS = st.sampled_from(["HOST_NAME", "STATUS", "MAX", "NJOBS", *RUNNING])


@given(st.lists(st.dictionaries(KEYS, VALUES), max_size=5))
def test_any_records_are_within_the_model_and_idle_only_where_ok(
    records: list[dict[str, Any]],
) -> None:
    nodes, jobs = parse_nodes(output(*records)), parse_jobs(output(*records))
    snapshot = SchedulerSnapshot(nodes.nodes, jobs=jobs.jobs)
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for name, node in nodes.nodes.items():
        if power_exporter_state(node.state) == "idle":
            assert any(one.get("HOST_NAME") == name and one["STATUS"] == "ok" for one in records)


def scheduler(**printed: bytes | ReadError) -> JsonScheduler:
    return JsonScheduler(COMMANDS, SchedulerCommands(PrintingHost(printed), None, 5), jobs=True)


LSID = b"IBM Spectrum LSF Standard 10.1.0.12, Jun 01 2021\nCopyright\n\nMy cluster name is c1\n"


async def test_a_reading_is_of_both_commands_behind_what_they_print_before() -> None:
    noise = b"Cannot connect to LSF. Please wait ...\n"
    made = scheduler(bhosts=noise + BHOSTS_OUTPUT, bjobs=output(RUNNING), lsid=LSID)
    snapshot = await made.read()
    assert states(snapshot) == {"ip-10-30-9-105": "allocated"}
    assert (snapshot.version, len(snapshot.jobs or ()), snapshot.note) == ("10.1.0.12", 1, "")
    assert BHOSTS[-1] == BJOBS[-1] == "-json"


async def test_no_unfinished_job_is_no_job() -> None:
    error = CommandError(Reason.COMMAND_FAILED, "status 255", "No unfinished job found\n")
    for printed in (error, b"", output()):
        made = scheduler(bhosts=BHOSTS_OUTPUT, bjobs=printed, lsid=LSID)
        assert (await made.read()).jobs == ()


async def test_lsf_that_is_down_is_unreachable() -> None:
    error = CommandError(Reason.COMMAND_FAILED, "status 255", "LSF is down. Please wait ...\n")
    with pytest.raises(ReadError) as caught:
        await scheduler(bhosts=error).read()
    assert caught.value.reason is Reason.UNREACHABLE


def test_a_version_is_found_where_there_is_one() -> None:
    assert parse_version(LSID) == "10.1.0.12"
    assert parse_version(b"My cluster name is c1") == ""
