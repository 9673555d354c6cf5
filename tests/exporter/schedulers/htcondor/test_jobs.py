"""Jobs of HTCondor: a capture of 25.14, and what the manual says of other states."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.htcondor.jobs import ATTRIBUTES, parse_jobs
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

CAPTURE = Path(__file__).parents[3] / "data" / "htcondor-25.14" / "condor_q.json"
MIB = 2**20
QUEUED_S = 1795222499
RUNNING = {
    "ClusterId": 7,
    "ProcId": 2,
    "JobStatus": 2,
    "JobUniverse": 5,
    "Owner": "alice",
    "AcctGroup": "group_phys",
    "QDate": QUEUED_S,
    "JobCurrentStartDate": QUEUED_S + 60,
    "RemoteHost": "slot1_3@startd2@node7.example",
    "RequestCpus": 3,
    "RequestMemory": r"\/Expr(ifthenelse(MemoryUsage =!= undefined, MemoryUsage, 1))\/",
    "CpusProvisioned": 4,
    "MemoryProvisioned": 2048,
    "GPUsProvisioned": 1,
}


def job(**attributes: Any) -> Job:
    """Parse a job that runs on node7, but for the attributes given; None removes one."""
    whole = {name: value for name, value in (RUNNING | attributes).items() if value is not None}
    jobs = parse_jobs(json.dumps([whole]).encode()).jobs
    assert jobs is not None
    (found,) = jobs
    return found


def waiting(number: str, state: str, cpus: int, memory: int, reason: str = "") -> Job:
    requested = Resources(cpus, memory * MIB, ())
    return Job(
        number, state, user="tst", reason=reason, submitted_at_s=QUEUED_S, requested=requested
    )


def test_jobs_of_a_real_queue_are_idle_and_held() -> None:
    listed = parse_jobs(CAPTURE.read_bytes())
    assert listed.unread == 0
    assert listed.jobs == (
        waiting("1.0", "pending", 1, 200),
        waiting("1.1", "pending", 1, 200),
        waiting("1.2", "pending", 1, 200),
        waiting("2.0", "pending", 64, 200),
        waiting("3.0", "held", 1, 128, "HoldReasonCode 15"),
    )


def test_a_job_that_runs_holds_what_its_slot_has_of_its_machine() -> None:
    held = Resources(4, 2048 * MIB, (Gres("gpu", 1),))
    assert job() == Job(
        "7.2",
        "running",
        user="alice",
        account="group_phys",
        submitted_at_s=QUEUED_S,
        started_at_s=QUEUED_S + 60,
        allocated=held,
        nodes=("node7.example",),
        per_node=(held,),
    )


@pytest.mark.parametrize(
    ("status", "state", "holds"),
    [
        (1, "pending", False),
        (3, "cancelled", False),
        (4, "completed", False),
        (5, "held", False),
        (6, "completing", True),
        (7, "suspended", True),
        (9, "status_9", False),
        ("x", "unknown", False),
        (None, "unknown", False),
    ],
)
def test_a_job_has_its_state_and_holds_a_slot_only_where_it_is_active(
    status: object, state: str, holds: bool
) -> None:
    found = job(JobStatus=status)
    assert found.state == state
    assert bool(found.allocated) == bool(found.nodes) == holds


def test_a_job_without_provisioned_amounts_holds_what_it_requested() -> None:
    absent = {"CpusProvisioned": None, "MemoryProvisioned": None, "GPUsProvisioned": None}
    assert job(**absent).allocated == Resources(3, None, ())


def test_a_request_that_is_an_expression_is_not_known() -> None:
    found = job(JobStatus=1, RequestGPUs=r"\/Expr(x)\/")
    assert found.requested == Resources(3, None, None)


@pytest.mark.parametrize("attributes", [{"RemoteHost": None}, {"JobUniverse": 11}])
def test_a_job_of_the_schedd_or_of_several_machines_holds_nothing_that_is_known(
    attributes: dict[str, Any],
) -> None:
    found = job(**attributes)
    assert (found.state, found.nodes, found.allocated) == ("running", (), None)


def test_a_record_without_an_id_is_counted_and_hides_no_other() -> None:
    records = [{"ClusterId": 1}, RUNNING, {"ClusterId": "x", "ProcId": 0}]
    listed = parse_jobs(json.dumps(records).encode())
    assert listed.jobs is not None
    assert ([job.id for job in listed.jobs], listed.unread) == (["7.2"], 2)


def test_an_empty_queue_is_no_job() -> None:
    assert parse_jobs(b"") == parse_jobs(b"[\n]\n") == ((), 0)


VALUES = (
    st.integers(-9999, 2**70)
    | st.integers(0, 12)
    | st.none()
    | st.text(max_size=3)
    | st.floats()
    | st.just("slot1@a")
)


@given(st.lists(st.dictionaries(st.sampled_from(ATTRIBUTES), VALUES), max_size=5))
def test_jobs_of_any_records_are_within_the_model(records: list[dict[str, Any]]) -> None:
    listed = parse_jobs(json.dumps(records).encode())
    assert listed.jobs is not None
    assert len(listed.jobs) + listed.unread == len(records)
    snapshot = SchedulerSnapshot({}, jobs=listed.jobs)
    assert relay.decode(relay.encode(snapshot)) == snapshot
