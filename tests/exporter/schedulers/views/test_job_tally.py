"""Jobs counted from snapshot to snapshot: the same as if each were counted alone."""

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.views.job_tally import JobChanges, JobTally
from rackwatt_exporter.schedulers.views.observed_jobs import ObservedJobs

amounts = st.sampled_from([None, Resources(1), Resources(2, 2**30, ())])
words = st.sampled_from(["", "a", "b"])
jobs = st.builds(
    Job,
    id=st.sampled_from("1234"),
    state=st.sampled_from(["pending", "running", "completed"]),
    tasks=st.integers(1, 3),
    user=words,
    account=words,
    partitions=st.lists(st.sampled_from(["p", "q"]), unique=True).map(tuple),
    reason=st.sampled_from(["", "Priority", "Nodes:n1", "Nodes:n2"]),
    started_at_s=st.none() | st.integers(1, 2),
    requested=amounts,
    allocated=amounts,
    nodes=st.sampled_from([(), ("n1",), ("n1", "n2")]),
    features=st.lists(st.sampled_from(["x", "y"]), unique=True).map(tuple),
)


@st.composite
def snapshots(draw: st.DrawFn) -> list[list[Job]]:
    """Draw snapshots that share records, each of which is in one of them once at most."""
    records = draw(st.lists(jobs, max_size=12))
    chosen = st.lists(st.integers(0, len(records) - 1), unique=True) if records else st.just([])
    return [[records[index] for index in draw(chosen)] for _ in range(draw(st.integers(1, 5)))]


@given(snapshots())
def test_a_tally_that_follows_snapshots_is_that_of_the_last_one_alone(
    listed: list[list[Job]],
) -> None:
    tally, last = JobTally(), list[Job]()
    for one in listed:
        tally, last = tally.after(JobChanges.between(last, one)), one
        assert tally == JobTally.of(one)


@given(snapshots())
def test_what_is_observed_of_jobs_is_their_tally_whichever_way_it_was_counted(
    listed: list[list[Job]],
) -> None:
    observed = ObservedJobs()
    for one in listed:
        observed = observed.after(None).after(one)
        assert observed.tally == JobTally.of(one)


@given(snapshots())
def test_a_tally_does_not_change_when_the_next_one_is_made_of_it(listed: list[list[Job]]) -> None:
    first, *others = listed
    tally = JobTally.of(first)
    for one in others:
        tally.after(JobChanges.between(first, one))
    assert tally == JobTally.of(first)


def test_records_that_are_equal_and_not_the_same_have_gone_and_come() -> None:
    kept, gone, come = (Job("1", "running", tasks=number) for number in (1, 2, 2))
    changes = JobChanges.between([kept, gone], [come, kept])
    assert [id(job) for job in changes.gone] == [id(gone)]
    assert [id(job) for job in changes.come] == [id(come)]
