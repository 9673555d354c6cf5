"""What slurmrestd answers about jobs: records that a relay can carry, or a bad reply."""

import json

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.rest_jobs import read_jobs
from rackwatt_exporter.schedulers.slurm.rest_models import reply

JSON = True


def examine(data: bytes) -> None:
    """Read it as an answer about jobs: each record is a job or counted as unread."""
    try:
        records = reply(data).jobs
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    if records is None:
        return
    jobs = read_jobs(records)
    assert jobs.jobs is not None
    document = json.loads(data.decode("utf-8", "replace"))
    assert len(jobs.jobs) + jobs.unread == len(document["jobs"])
    snapshot = SchedulerSnapshot({}, jobs=jobs.jobs, unread_jobs=jobs.unread)
    assert relay.decode(relay.encode(snapshot)) == snapshot
