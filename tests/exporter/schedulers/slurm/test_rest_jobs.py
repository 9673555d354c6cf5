"""Jobs in slurmrestd's answers: captures of each version, and records that are none."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import rest_models
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.rest_jobs import RestJob, read_jobs

DATA = Path(__file__).parents[3] / "data"
MIB = 2**20


def read(body: bytes) -> SlurmJobs:
    reply = rest_models.reply(body)
    assert reply.jobs is not None
    return read_jobs(reply.jobs)


def captured(name: str) -> dict[str, Job]:
    jobs = read((DATA / name).read_bytes())
    assert (jobs.unread, jobs.note) == (0, "")
    return {job.id: job for job in jobs.jobs or ()}


def test_every_version_of_slurm_24_11_reports_the_same_jobs() -> None:
    forty, one, two = (
        captured(f"slurm-24.11/jobs_v0.0.{version}.json") for version in (40, 41, 42)
    )
    whole = msgspec.structs.replace(forty["2"], per_node=one["2"].per_node)  # not in v0.0.40
    assert forty | {"2": whole} == one == two
    gpus = Resources(2, 500 * MIB, (Gres("gpu", 2),))
    assert forty["1"] == Job(
        "1", "running", user="alice", account="proj1", qos="normal", partitions=("batch",),
        submitted_at_s=1795223078, started_at_s=1795223078, allocated=gpus, nodes=("n1",),
        per_node=(gpus,),
    )  # fmt: skip
    assert forty["2"].nodes == ("n1", "n2")
    assert {forty["3_0"].array, forty["3_1"].array} == {"3"}
    assert {name: job.number for name, job in forty.items() if job.number} == {
        "3_0": "6",
        "3_1": "3",
    }
    assert (forty["4"].state, forty["4"].started_at_s) == ("pending", None)
    assert (forty["5"].state, forty["5"].allocated) == ("failed", None)


def test_jobs_of_slurm_22_05_hold_what_was_submitted() -> None:
    """The sums were worked out from what was submitted."""
    jobs = captured("slurm-22.05/jobs_v0.0.38.json")
    memory_mib: Counter[str] = Counter()
    cpus: Counter[str] = Counter()
    gpus: Counter[str] = Counter()
    for job in jobs.values():
        if job.state == "running":
            assert job.allocated is not None
            memory_mib[job.account] += (job.allocated.memory_bytes or 0) // MIB
            cpus[job.account] += int(job.allocated.cpus or 0)
            gpus[job.user] += job.allocated.count("gpu") or 0
    assert memory_mib == {"proj1": 18624, "proj2": 1050}
    assert cpus == {"proj1": 8, "proj2": 8}
    assert gpus == {"alice": 2, "bob": 0, "carol": 5}


def test_arrays_parts_of_jobs_and_reasons_of_slurm_22_05_are_those_of_squeue() -> None:
    jobs = captured("slurm-22.05/jobs_v0.0.38.json")
    assert (jobs["8"].tasks, jobs["8"].state, jobs["8"].array) == (7, "pending", "8")
    assert {"8_0", "8_1", "8_2", "26+0", "26+1"} <= jobs.keys()
    assert jobs["26+1"].het == "26"
    assert jobs["25"].partitions == ("batch", "gpu")
    assert jobs["25"].reason.startswith("Nodes required for job are DOWN, DRAINED or reserved")
    assert jobs["11"].reason == "ReqNodeNotAvail, UnavailableNodes:d001"
    assert jobs["20"].started_at_s is None  # cancelled while it waited
    assert jobs["17"].allocated == Resources(0, 50 * MIB, ())


GOOD: dict[str, Any] = {"job_id": 7, "job_state": "RUNNING", "nodes": "n1"}


@pytest.mark.parametrize(
    "bad",
    [
        None, 7, "job", {}, {"job_id": 0, "job_state": "RUNNING"}, {"job_id": "7"},
        {"job_id": 8, "job_state": None}, {"job_id": 8, "job_state": []},
        {"job_id": 8, "job_state": [7]}, {"job_id": True, "job_state": "RUNNING"},
    ],
)  # fmt: skip
def test_one_bad_job_hides_no_other_and_is_counted(bad: object) -> None:
    jobs = read(msgspec.json.encode({"jobs": [bad, GOOD]}))
    assert [job.id for job in jobs.jobs or ()] == ["7"]
    assert jobs.unread == 1


def test_a_list_of_tasks_that_slurmrestd_cut_is_noted() -> None:
    cut = {**GOOD, "job_state": ["PENDING"], "array_job_id": 7, "array_task_string": "1,3,5,..."}
    jobs = read(msgspec.json.encode({"jobs": [cut]}))
    assert jobs.jobs is not None
    assert jobs.jobs[0].tasks == 3
    assert "SLURM_BITSTR_LEN" in jobs.note


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
WRAPPED = st.fixed_dictionaries({"set": st.booleans(), "number": st.integers(-9, 2**62)})


@given(st.dictionaries(st.sampled_from(RestJob.__struct_fields__), ANY | WRAPPED))
def test_any_fields_of_a_job_are_a_job_that_a_relay_can_carry(fields: dict[str, Any]) -> None:
    jobs = read(msgspec.json.encode({"jobs": [{**GOOD, **fields}]}))
    snapshot = SchedulerSnapshot({}, jobs=jobs.jobs)
    assert relay.decode(relay.encode(snapshot)) == snapshot
