"""View of a scheduler's snapshot for a document, made once, when it is read.

Each family that a view has is rendered here, so that a scrape joins what lies ready.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.pipelines.tracing import JobListing
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views import (
    diagnostics,
    durations,
    fair_shares,
    jobs,
    licenses,
    limit_usage,
    limits,
    nodes,
    numbers,
    per_job,
    qos_limits,
    queues,
    reservations,
    slurm_exporter,
    slurm_families,
    slurm_subjects,
    subjects,
    token,
)
from rackwatt_exporter.schedulers.views.job_tally import JobTally
from rackwatt_exporter.schedulers.views.observed_jobs import ObservedJobs
from rackwatt_exporter.schedulers.views.render import is_excluded, joined, render, render_named

MAX_STATES = 50

# Views of the subjects beside nodes and jobs, by their field of a snapshot.
_SUBJECTS = {
    "queues": queues,
    "licenses": licenses,
    "reservations": reservations,
    "diagnostics": diagnostics,
    "limits": limits,
    "qos_limits": qos_limits,
    "limit_usage": limit_usage,
    "fairshare": fair_shares,
}
VIEWS = (
    *token.FAMILIES, *nodes.FAMILIES, *numbers.FAMILIES, *jobs.FAMILIES, *per_job.FAMILIES,
    *durations.FAMILIES,
    *chain.from_iterable(subject.FAMILIES for subject in _SUBJECTS.values()),
    *subjects.FAMILIES, *slurm_families.FAMILIES, *slurm_subjects.FAMILIES,
)  # fmt: skip


class SnapshotView(NamedTuple):
    """What is made of a snapshot for a document: its part of the page, and its jobs by state.

    `observed` is what is counted of its jobs and of those before. `listed` are its jobs by id,
    where they are traced.
    """

    snapshot: SchedulerSnapshot
    spec: SchedulerConfig
    text: Mapping[MetricFamily, bytes]
    jobs: Mapping[str, int] | None
    observed: ObservedJobs
    listed: JobListing | None


def _samples(
    spec: SchedulerConfig,
    snapshot: SchedulerSnapshot,
    tally: JobTally,
    profiles: Collection[str],
) -> Iterator[Sample]:
    """Go through the samples of a snapshot.

    Those of jobs are on the page of the exporter that polls the scheduler, once, however many
    exporters read the snapshot from it.
    """
    yield from nodes.samples(snapshot)
    yield from numbers.samples(snapshot, spec.metrics)
    if not spec.is_relayed:
        yield from nodes.usage_samples(snapshot)
        yield from token.samples(snapshot)
        yield from subjects.samples(snapshot, spec.subjects)
    if spec.reads_jobs:
        yield from jobs.samples(snapshot, tally, spec.metrics)
        yield from per_job.samples(snapshot, spec.metrics)
    if spec.kind == slurm_families.SCHEDULER and slurm_families.PROFILE in profiles:
        yield from slurm_exporter.samples(snapshot, tally, spec.metrics)
        yield from slurm_subjects.samples(snapshot)


def make_view(
    spec: SchedulerConfig,
    snapshot: SchedulerSnapshot,
    profiles: Collection[str],
    last: SnapshotView | None,
) -> SnapshotView:
    """Make the view of a snapshot; `last` is that of the one before it."""
    labels = spec.name, spec.cluster
    observed = (last.observed if last else ObservedJobs()).after(snapshot.jobs)
    exclude = spec.metrics.exclude
    text: dict[MetricFamily, bytes] = {}
    if not spec.is_relayed:  # as jobs: of each node on one page alone
        text |= joined(render_named(labels, snapshot.nodes, nodes.node_samples, exclude))
        text |= _subjects_text(spec, snapshot, last)
    lines = render(labels, _samples(spec, snapshot, observed.tally, profiles), exclude)
    if spec.metrics.jobs and not spec.is_relayed:
        for family in durations.FAMILIES:
            if not is_excluded(family, exclude):
                lines[family] = list(observed.durations.lines(labels, family))
    states = observed.tally.states.most_common(MAX_STATES)
    jobs = None if snapshot.jobs is None else dict(states)
    text |= joined(lines)
    return SnapshotView(snapshot, spec, text, jobs, observed, _listing(spec, snapshot))


def _listing(spec: SchedulerConfig, snapshot: SchedulerSnapshot) -> JobListing | None:
    if snapshot.jobs is None or not spec.tracing.enabled:
        return None
    return JobListing(snapshot.jobs, snapshot.cluster)


def _subjects_text(
    spec: SchedulerConfig, snapshot: SchedulerSnapshot, last: SnapshotView | None
) -> dict[MetricFamily, bytes]:
    """Write the subjects; what was not read since the last snapshot is as it was written then."""
    labels = spec.name, spec.cluster
    text: dict[MetricFamily, bytes] = {}
    for field, view in _SUBJECTS.items():
        is_new = getattr(snapshot, field) is not getattr(last and last.snapshot, field, None)
        if last is None or last.spec != spec or is_new:
            text |= joined(render(labels, view.samples(snapshot), spec.metrics.exclude))
        else:
            text |= {one: last.text[one] for one in view.FAMILIES if one in last.text}
    return text
