"""Captures of Grid Engine 8.1.9, what may be around them, and what may be wrong with them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.gridengine.commands import parse_snapshot, parse_version
from rackwatt_exporter.schedulers.gridengine.hosts import parse_hosts
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.gridengine.conftest import STATES

DATA = Path(__file__).parents[3] / "data" / "gridengine-8.1.9"
STARTED_S = 1795222417  # 2026-11-21T00:53:37Z, as qhost prints it
ONE = Resources(cpus=1)


def capture(name: str) -> tuple[bytes, bytes]:
    return tuple((DATA / f"{name}-{command}.xml").read_bytes() for command in ("qhost", "qstat"))  # type: ignore[return-value]


def parsed(qhost: bytes, qstat: bytes) -> SchedulerSnapshot:
    return parse_snapshot(qhost, qstat, "8.1.9")


def states(snapshot: SchedulerSnapshot) -> dict[str, str]:
    return {name: node.state for name, node in snapshot.nodes.items()}


QHOST, QSTAT = capture("states")
EXPECTED = {name: state for name, (state, _) in STATES.items()}


def test_an_array_on_one_host_is_a_node_and_its_jobs() -> None:
    snapshot = parsed(*capture("array"))
    assert snapshot.nodes == {
        "localhost": SchedulerNode(
            "allocated",
            "allocated",
            partitions=("all.q",),
            total=Resources(cpus=2, memory_bytes=int(23.5 * 2**30)),
            allocated=Resources(cpus=4),
        )
    }
    assert snapshot.jobs is not None
    running, waiting = snapshot.jobs[:4], snapshot.jobs[4:]
    assert running[1] == Job(
        "2.1",
        "running",
        array="2",
        user="tst",
        partitions=("all.q",),
        started_at_s=STARTED_S,
        allocated=ONE,
        nodes=("localhost",),
        per_node=(ONE,),
    )
    assert [job.id for job in running] == ["1", "2.1", "2.2", "2.3"]
    assert waiting == (
        Job(
            "2.4-6:1",
            "pending",
            tasks=3,
            array="2",
            user="tst",
            submitted_at_s=STARTED_S - 2,
            requested=ONE,
        ),
        Job("3", "held", user="tst", submitted_at_s=STARTED_S - 2, requested=ONE),
    )


def test_the_slots_of_a_parallel_job_are_not_counted_once_for_each_of_its_rows() -> None:
    snapshot = parsed(*capture("parallel"))
    assert snapshot.jobs is not None
    assert snapshot.jobs[0].allocated == Resources(cpus=2)
    assert snapshot.nodes["sgem"].allocated == Resources(cpus=5)


def test_hosts_in_every_state_are_read_from_a_capture() -> None:
    snapshot = parsed(QHOST, QSTAT)
    assert states(snapshot) == EXPECTED
    assert relay.decode(relay.encode(snapshot)) == snapshot


@pytest.mark.parametrize(
    ("head", "version"),
    [
        ((DATA / "help.txt").read_text(), "8.1.9"),
        ("Welcome\nGE 6.2u5\nusage: qstat [options]", "6.2u5"),
        ("OGS/GE 2011.11p1\nusage:", "2011.11p1"),
        ("UGE 8.6.4\nusage:", "8.6.4"),
        ("usage: qstat", ""),
    ],
)
def test_the_version_is_at_the_head_of_the_help(head: str, version: str) -> None:
    assert parse_version(head.encode()) == version


def test_a_document_that_is_cut_is_a_bad_reply() -> None:
    for cut in (QSTAT[:-20], QSTAT[: len(QSTAT) // 2], b""):
        with pytest.raises(ReadError) as caught:
            parsed(QHOST, cut)
        assert caught.value.reason is Reason.BAD_REPLY


def test_a_cluster_without_a_host_is_a_bad_reply() -> None:
    qhost = b"<qhost><host name='global'></host></qhost>"
    with pytest.raises(ReadError, match="no execution host"):
        parsed(qhost, b"<job_info></job_info>")


BOMB = b"""<?xml version='1.0'?><!DOCTYPE qhost [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<qhost><host name='e1'><hostvalue name='num_proc'>&b;</hostvalue></host>
<host name='e2'></host></qhost>"""


def test_entities_of_a_document_type_are_not_expanded() -> None:
    hosts = parse_hosts(BOMB)
    assert (set(hosts.hosts), hosts.unread) == ({"e2"}, 1)


def test_a_record_that_is_malformed_costs_its_own_host_alone_its_state() -> None:
    for host in EXPECTED:
        broken = re.sub(rb"(<name>[a-z.]+@%s</name>)" % host.encode(), rb"\1<broken>", QSTAT)
        snapshot = parsed(QHOST, broken)
        assert states(snapshot) == EXPECTED | {host: "unknown"}
        assert snapshot.unread
        assert "could not be read" in snapshot.note


def test_a_queue_without_a_name_leaves_no_host_idle() -> None:
    """It may be a queue of any of them, with jobs."""
    broken = QSTAT.replace(b"<name>all.q@e2</name>", b"<name>all.q</name>")
    snapshot = parsed(QHOST, broken)
    assert "idle" not in states(snapshot).values()
    assert snapshot.unread == 1


def test_a_job_without_a_number_is_counted_and_keeps_its_host_allocated() -> None:
    broken = QSTAT.replace(b"<JB_job_number>4</JB_job_number>", b"").replace(
        b"<slots_used>1</slots_used>", b"<slots_used>?</slots_used>"
    )
    snapshot = parsed(QHOST, broken)
    assert snapshot.unread_jobs == 1
    assert snapshot.nodes["e7"].state == "allocated"
    assert snapshot.nodes["e7"].allocated is None


def test_slots_that_cannot_be_read_leave_a_host_unknown() -> None:
    broken = QSTAT.replace(b"<slots_used>0</slots_used>", b"<slots_used>-</slots_used>")
    found = states(parsed(QHOST, broken))
    assert {found[host] for host in ("e1", "e4", "e5", "e8", "e9")} == {"unknown"}


def test_a_silent_host_is_not_idle() -> None:
    """As right after sge_qmaster has started: nothing is known of its load."""
    silent = re.sub(rb"(<hostvalue name='load_avg'>)[^<]*", rb"\1-", QHOST)
    assert states(parsed(silent, QSTAT))["e1"] == "unknown"


def test_a_host_without_a_queue_is_in_a_state_of_its_own() -> None:
    alone = re.sub(rb"<Queue-List>\s*<name>all.q@e1</name>.*?</Queue-List>", b"", QSTAT, flags=re.S)
    assert states(parsed(QHOST, alone))["e1"] == "no_queue"


@given(st.text(), st.text())
def test_text_around_the_documents_changes_nothing(before: str, behind: str) -> None:
    around = [text.replace("<", "").encode() for text in (before, behind)]
    documents = (around[0] + document + around[1] for document in (QHOST, QSTAT))
    assert parsed(*documents) == parsed(QHOST, QSTAT)


@given(st.binary(), st.binary())
def test_any_output_is_a_snapshot_or_a_bad_reply(qhost: bytes, qstat: bytes) -> None:
    for documents in ((qhost, qstat), (QHOST, qstat), (qhost, QSTAT)):
        try:
            parsed(*documents)
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()


@given(st.data(), st.binary(max_size=4))
def test_bytes_that_changed_make_no_busy_host_idle(data: st.DataObject, noise: bytes) -> None:
    """Whatever replaces a few bytes outside numbers and letters of states."""
    at = data.draw(st.integers(0, len(QSTAT) - 1))
    if re.match(rb"[0-9]|[a-zA-Z]+</(state|slots_used)>", QSTAT[at:]) or re.search(
        rb"[0-9<>]", noise
    ):
        return
    changed = QSTAT[:at] + noise + QSTAT[at + len(noise) :]
    try:
        found = states(parsed(QHOST, changed))
    except ReadError:
        return
    idle = {host for host, state in found.items() if state == "idle"}
    assert idle & EXPECTED.keys() <= {"e1", "e9"}
