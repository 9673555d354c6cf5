"""Whether subjects are known."""

from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.subjects import SUBJECTS
from rackwatt_exporter.schedulers.views import subjects
from tests.exporter.schedulers.snapshots import full_snapshot

WANTED = frozenset(subject.option for subject in SUBJECTS)


def known(snapshot: SchedulerSnapshot, *wanted: str) -> dict[str, float]:
    return {label: number for _, (label,), number in subjects.samples(snapshot, wanted)}


def test_a_subject_that_is_known_is_1_be_it_empty_or_not_and_one_that_is_not_is_0() -> None:
    snapshot = SchedulerSnapshot({}, licenses=(), queues=(Queue("p", "up"),))
    assert known(snapshot, "licenses", "partitions", "diagnostics") == {
        "diagnostics": 0,
        "licenses": 1,
        "partitions": 1,
    }


def test_every_subject_that_slurm_has_can_be_known() -> None:
    assert known(full_snapshot({"n1": "idle"}), *WANTED) == dict.fromkeys(
        WANTED | {"qos_limits"}, 1
    )


def test_limits_of_accounts_are_known_without_those_of_qos() -> None:
    snapshot = SchedulerSnapshot({}, limits=())
    assert known(snapshot, "limits") == {"limits": 1, "qos_limits": 0}


def test_what_no_document_wants_has_no_series() -> None:
    assert known(full_snapshot({"n1": "idle"})) == {}
