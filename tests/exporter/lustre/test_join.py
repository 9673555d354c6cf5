"""The join of job ids with jobs and processes, beside a generator's truth."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.jobid import JobidTemplates
from rackwatt_exporter.lustre import join
from rackwatt_exporter.lustre.job_index import JobOwner
from rackwatt_exporter.lustre.join import MissingOwner, Owner, PasswdEntry, ProcessOwner
from rackwatt_exporter.lustre.queries import Measure
from tests.exporter.lustre.captured import TRUTH, reading

TEMPLATES = JobidTemplates(["procname_uid", "%j", "%j:%e.%u"])
ALICE = JobOwner("phys", "alice")
USERS = {
    0: PasswdEntry("root", 0),
    1000: PasswdEntry("CORP\\alice", 100),
    1001: PasswdEntry("bob", 999),
}
GROUPS = {0: "root", 100: "users"}


def owner(jobid: str, missing: MissingOwner = MissingOwner.JOB) -> Owner:
    parts = join.split([jobid], TEMPLATES)
    return join.find_owners(parts, {"7": ALICE}, USERS, GROUPS, missing)[jobid]


@pytest.mark.parametrize(
    ("jobid", "expected"),
    [
        ("7", ALICE),
        ("7:bash.1001", ALICE),
        ("8", MissingOwner.JOB),
        ("8:bash.1000", MissingOwner.JOB),
        ("cn0001:7", MissingOwner.FORMAT),
        ("nodot", MissingOwner.FORMAT),
        ("", MissingOwner.FORMAT),
        ("cp.1000", ProcessOwner("cp", "users", "CORP\\alice")),
        ("my.app.v2.0", ProcessOwner("my.app.v2", "root", "root")),
        ("cp.4711", ProcessOwner("cp", "", "4711")),  # no passwd entry: the uid
        ("cp.1001", ProcessOwner("cp", "999", "bob")),  # no entry of the group: the gid
    ],
)
def test_a_job_id_has_the_owner_that_its_parts_name_and_no_other(
    jobid: str, expected: Owner
) -> None:
    assert owner(jobid) == expected


def test_a_job_id_of_the_last_poll_is_not_split_again() -> None:
    first = join.split(["cp.0", "x", "7"], TEMPLATES)
    second = join.split(["x", "7", "8"], TEMPLATES, first)
    assert second == join.split(["x", "7", "8"], TEMPLATES)
    assert second["7"] is first["7"]


def test_a_job_is_missing_for_another_reason_while_the_scheduler_is_silent() -> None:
    assert owner("8", MissingOwner.SCHEDULER) is MissingOwner.SCHEDULER
    assert owner("cp.0", MissingOwner.SCHEDULER) == ProcessOwner("cp", "root", "root")


def test_a_group_of_the_job_id_counts_before_that_of_the_user() -> None:
    parts = join.split(["cp.1000.0"], JobidTemplates(["%e.%u.%g"]))
    assert join.gids(parts.values(), USERS) == {0}
    found = join.find_owners(parts, {}, USERS, GROUPS, MissingOwner.JOB)
    assert found == {"cp.1000.0": ProcessOwner("cp", "root", "CORP\\alice")}


def test_names_are_looked_up_of_processes_without_a_job_alone() -> None:
    parts = join.split(["7", "7:bash.1001", "cp.1000", "x"], TEMPLATES).values()
    assert join.uids(parts) == {1000}
    assert join.gids(parts, USERS) == {100}
    assert join.gids(parts, {}) == set()


def _named(sums: Mapping[tuple[str, ...], float]) -> dict[str, float]:
    return {"|".join(labels): value for labels, value in sums.items()}


@pytest.mark.parametrize("measure", Measure)
def test_sums_are_those_of_the_generator(measure: Measure) -> None:
    sums = reading().sums[measure]
    assert _named(sums.jobs) == pytest.approx(TRUTH[measure.value], rel=1e-12)
    assert _named(sums.processes) == pytest.approx(TRUTH[f"proc_{measure.value}"], rel=1e-12)


@pytest.mark.parametrize("measure", [Measure.READ, Measure.WRITE])
def test_what_is_of_no_job_and_no_process_is_a_sum_of_its_own(measure: Measure) -> None:
    lost: Any = TRUTH[f"lost_{measure.value}_bytes"]
    assert reading().sums[measure].unmatched == {
        MissingOwner.FORMAT: pytest.approx(lost["odd"], rel=1e-12),
        MissingOwner.JOB: pytest.approx(lost["ended"], rel=1e-12),
        MissingOwner.SCHEDULER: 0,
    }
    assert reading().jobids[MissingOwner.FORMAT] == 3
    assert reading().jobids[MissingOwner.JOB] == 2


IDS = st.sampled_from(["7", "8", "cp.1000", "cp.4711", "x", "", "7:a.0", "cn1:7"])
SAMPLES = st.lists(
    st.tuples(st.fixed_dictionaries({"jobid": IDS}), st.integers(0, 2**40).map(float))
)


@given(SAMPLES)
def test_parts_of_any_samples_add_up_to_the_whole(
    samples: list[tuple[dict[str, str], float]],
) -> None:
    parts = join.split(join.jobids([samples]), TEMPLATES)
    owners = join.find_owners(parts, {"7": ALICE}, USERS, GROUPS, MissingOwner.JOB)
    sums = join.join(samples, owners, ())
    whole = sum(value for _, value in samples)
    assert sum(sum(part.values()) for part in sums) == whole
    assert sum(join.count_owners(owners).values()) == len({one["jobid"] for one, _ in samples})


class Counting(dict[str, JobOwner]):
    """Jobs that count how often one is looked up, or all are gone through."""

    lookups = 0

    def get(self, jobid: str, default: Any = None) -> Any:
        self.lookups += 1
        return super().get(jobid, default)

    def __iter__(self) -> Any:
        raise AssertionError("every job was gone through")


@pytest.mark.parametrize("jobs", [1, 5_000])
def test_each_job_id_is_one_lookup_however_many_jobs_there_are(jobs: int) -> None:
    known = Counting({str(number): ALICE for number in range(jobs)})
    ids = [f"{number}" for number in range(2_000)]
    parts = join.split(ids, TEMPLATES)
    owners = join.find_owners(parts, known, USERS, GROUPS, MissingOwner.JOB)
    assert known.lookups == len(owners) == 2_000
