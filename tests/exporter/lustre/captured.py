"""What prometheus-cluster-exporter read for its page, as this exporter reads it."""

from pathlib import Path
from typing import Any

import msgspec

from rackwatt_crds.jobid import JobidTemplates
from rackwatt_exporter.config.lustre import LustreOptions
from rackwatt_exporter.lustre import getent, join
from rackwatt_exporter.lustre.job_index import owners
from rackwatt_exporter.lustre.join import MissingOwner
from rackwatt_exporter.lustre.queries import Measure, dimensions
from rackwatt_exporter.lustre.reading import LustreReading
from rackwatt_exporter.protocols.http.prometheus import parse_vector
from rackwatt_exporter.schedulers.model.job import Job

DATA = Path(__file__).parents[2] / "data/cluster-exporter"
TRUTH: Any = msgspec.json.decode((DATA / "truth.json").read_bytes())


def captured_jobs() -> tuple[Job, ...]:
    lines = (DATA / "squeue.txt").read_text().splitlines()
    rows = [line.split() for line in lines]
    return tuple(Job(number, "running", account=acct, user=user) for number, acct, user in rows)


def reading(jobs: tuple[Job, ...] | None = None) -> LustreReading:
    """Join the captured answers with jobs, by default the captured ones."""
    samples = {
        measure: [
            (labels, value)
            for labels, value in parse_vector((DATA / f"{measure}.json").read_bytes()).samples
            if "OST" not in labels.get("target", "")  # the query leaves them out
        ]
        for measure in Measure
    }
    parts = join.split(join.jobids(samples.values()), JobidTemplates(LustreOptions("").jobid))
    users = dict(getent.parse((DATA / "passwd").read_bytes(), getent.parse_user))
    groups = dict(getent.parse((DATA / "group").read_bytes(), getent.parse_group))
    listed = owners(captured_jobs() if jobs is None else jobs)
    found = join.find_owners(parts, listed, users, groups, MissingOwner.JOB)
    sums = {measure: join.join(samples[measure], found, dimensions(measure)) for measure in Measure}
    return LustreReading(sums, dict.fromkeys(STAGES, 0.001), join.count_owners(found))


STAGES = (
    "retrieve_running_jobs",
    "retrieve_user_name_info",
    "retrieve_group_name_info",
    "build_metadata_metrics",
    "build_read_throughput_metrics",
    "build_write_throughput_metrics",
)
