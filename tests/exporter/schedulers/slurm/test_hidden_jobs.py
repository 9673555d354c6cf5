"""Jobs that Slurm hides without a word: nodes are allocated, and no listed job holds so much."""

import pytest

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs


def noted(listed: SlurmJobs, *allocated: float | None) -> str:
    """Return the note of jobs where so many CPUs of nodes are allocated."""
    nodes = [SchedulerNode("mixed", allocated=Resources(cpus)) for cpus in allocated]
    shown = listed.unless_hidden(nodes)
    assert shown.jobs == listed.jobs
    return shown.note


def jobs(*cpus: float | None, unread: int = 0, note: str = "") -> SlurmJobs:
    made = [
        Job(str(number), "running", nodes=("n1",), allocated=Resources(count))
        for number, count in enumerate(cpus)
    ]
    return SlurmJobs(tuple(made), unread, note)


def test_a_note_says_how_much_listed_jobs_hold_of_much_more_that_is_allocated() -> None:
    assert noted(jobs(2, 4), 30, 10) == (
        "listed jobs hold 6 of the 40 CPUs that are allocated of nodes: does PrivateData=jobs hide"
        " others from this user?"
    )
    assert noted(jobs(2, note="why"), 40).startswith("why; listed jobs hold 2 of the 40 CPUs")


@pytest.mark.parametrize(
    ("listed", "allocated"),
    [
        (jobs(20, 20), 40),
        (jobs(20, 18), 40),
        (jobs(40, 40), 40),  # shared nodes
        (jobs(2, unread=1), 40),
        (jobs(2, None), 40),
        (jobs(2), None),
        (SlurmJobs(None), 40),
    ],
)
def test_no_note_says_so_where_little_or_what_is_not_known_is_between(
    listed: SlurmJobs, allocated: float | None
) -> None:
    assert noted(listed, allocated) == ""
