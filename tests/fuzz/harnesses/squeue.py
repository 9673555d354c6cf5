"""What squeue prints: jobs that are in it, or none."""

import re

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.job_state import ACTIVE, WAITING
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.squeue_output import parse_jobs


def examine(data: bytes) -> None:
    """Read it, and once more as the same output at the next poll."""
    listed = parse_jobs(data, {})
    assert all(line.isprintable() for line in listed.unread)
    snapshot = SchedulerSnapshot({}, jobs=tuple(listed.by_line.values()))
    assert relay.decode(relay.encode(snapshot)) == snapshot
    again = parse_jobs(data, dict(listed.by_line))
    assert all(again.by_line[line] is job for line, job in listed.by_line.items())
    for line, job in listed.by_line.items():
        text = line.decode("utf-8", "replace")
        assert re.search(rf"{re.escape(job.array or job.id.partition('+')[0])}.*\|.*\|", text)
        assert job.tasks >= 1
        assert (job.allocated is None) or job.state in ACTIVE
        assert (job.requested is None) or job.state in WAITING
