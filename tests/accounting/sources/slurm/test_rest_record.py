import json
from typing import Any

import msgspec
import pytest

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.slurm.rest_record import DbJob, unit_of
from tests.accounting.sources.slurm.records import BEGIN_S, Record, records
from tests.accounting.sources.slurm.rest_jobs import newer, older

ONE = Record(7, BEGIN_S, BEGIN_S + 60)


def read(job: dict[str, Any]) -> Unit | None:
    return unit_of(msgspec.json.decode(json.dumps(job), type=DbJob))


@pytest.mark.parametrize("spelled", [older, newer])
def test_every_kind_of_record_is_the_unit_that_sacct_gives_without_its_uid(spelled: Any) -> None:
    for record in records(2, 300):
        expected = record.unit()
        if expected is not None:
            expected = msgspec.structs.replace(expected, uid=None)
        assert read(spelled(record)) == expected


def test_a_run_that_was_requeued_is_that_and_does_not_wait() -> None:
    job = newer(ONE) | {"state": {"current": ["PENDING", "REQUEUED"], "reason": ""}}
    unit = read(job)
    assert unit is not None
    assert unit.state == "requeued"


def test_the_tasks_that_never_ran_are_named_as_sacct_does() -> None:
    array = {
        "job_id": 100,
        "task_id": {"set": False, "infinite": False, "number": 0},
        "task": "1-5",
    }
    unit = read(newer(Record(100, 0, BEGIN_S, state="CANCELLED")) | {"array": array})
    assert unit is not None
    assert (unit.display_id, unit.array) == ("100_[1-5]", "100")


def test_the_status_of_a_failed_job_is_unknown_where_slurm_has_0() -> None:
    code = {"exit_code": {"status": "SUCCESS", "return_code": 0}}
    failed = read(older(Record(7, BEGIN_S, BEGIN_S + 60, state="FAILED")) | code)
    assert failed is not None
    assert failed.exit_code == ""


def test_energy_that_was_not_measured_is_none() -> None:
    for count in (None, -2, 0, 2**64 - 2):
        job = newer(ONE)
        job["tres"]["allocated"].append({"type": "energy", "name": "", "id": 3, "count": count})
        unit = read(job) if count != 2**64 - 2 else None
        assert unit is None or unit.scheduler_joules is None


@pytest.mark.parametrize(
    "change", [{"time": {"start": "now"}}, {"job_id": None}, {"state": {}}, {"tres": None}]
)
def test_a_record_without_what_matters_is_an_error(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        read(newer(ONE) | change)
