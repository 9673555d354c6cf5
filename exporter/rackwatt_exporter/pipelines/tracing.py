"""Traces of jobs beside what the scheduler says of them: what is accepted, and what is served.

A job is served only if the scheduler lists it. While the scheduler's jobs are not known, every job
is: a scheduler that is down for a minute does not interrupt the traces.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import MissingSecretError, Secrets
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.pipelines.health import shortened
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.schedulers.views import slurm_families, slurm_traces, traces
from rackwatt_exporter.schedulers.views.render import is_excluded, joined, render
from rackwatt_exporter.store.traces import Trace, TraceStore

FAMILIES: tuple[MetricFamily, ...] = (*traces.FAMILIES, *slurm_traces.FAMILIES)

Jobs = Mapping[str, Job]


class JobListing:
    """The scheduler's jobs by id, and the scheduler's own name of its cluster, empty for none."""

    def __init__(self, jobs: Iterable[Job], cluster: str) -> None:
        self.by_id: Jobs = {job.id: job for job in jobs}
        self.cluster = cluster
        self._numbers = {job.number: job.id for job in self.by_id.values() if job.number}

    def __contains__(self, job: object) -> bool:
        """Return whether a job is listed, by the id or by the number that its processes have."""
        return job in self.by_id or job in self._numbers

    def id_of(self, job: str) -> str | None:
        """Return the id of a job that is listed; None of any other.

        A task of an array and a component of a heterogeneous job have a number in their
        environment that is not their id, and that the original wrapper reports.
        """
        return job if job in self.by_id else self._numbers.get(job)


class ServedTraces(NamedTuple):
    """Traces of jobs that are served, and of those that the scheduler does not list.

    With `is_known`, the scheduler's jobs are known, so that every job served is listed.
    """

    served: list[Trace]
    unlisted: list[Trace]
    is_known: bool


class TracedScheduler:
    """The traces of one SchedulerBinding.

    `listed` returns what the scheduler lists now, None while that is not known.
    """

    def __init__(
        self, spec: SchedulerConfig, secrets: Secrets, listed: Callable[[], JobListing | None]
    ) -> None:
        options = spec.tracing
        self.spec = spec
        self.store = TraceStore(options.max_jobs, options.stale_after_s)
        self._secrets = secrets
        self._listed = listed

    def apply(self, spec: SchedulerConfig) -> None:
        """Use another configuration from now on; the traces stay."""
        self.spec = spec
        self.store.max_jobs = spec.tracing.max_jobs
        self.store.stale_after_s = spec.tracing.stale_after_s

    def token(self) -> bytes | None:
        """Read the token that reports must have; None where they need none.

        Raises:
            ReadError: credentials_missing, where the token should be and is not.
        """
        return _token(self.spec, self._secrets)

    def accept(self, report: TraceReport) -> bool | None:
        """Keep a report; return whether the scheduler lists its job, None where that is not known.

        Raises:
            ValueError: it is of another cluster.
            TraceLimitError: there is no room for it.
        """
        listed = self._listed()
        cluster = listed.cluster if listed else ""
        if cluster and report.cluster not in ("", cluster, self.spec.cluster):
            raise ValueError(f"this is cluster {cluster}, and the report is of another one")
        named = listed.id_of(report.job) if listed else None
        job = named or self.store.job_of(report.key) or report.job
        self.store.accept(report.key, *self._named(report, job), listed)
        return named is not None if listed else None

    def read(self) -> ServedTraces:
        """Return all traces, by whether they are served."""
        listed = self._listed()
        if listed is not None:
            self._name(listed)
        # A process that is reported by the number and by the id of its job is one.
        every = list({one.report.key: one for one in self.store.traces()}.values())
        if listed is None:
            return ServedTraces(every, [], is_known=False)
        served = [one for one in every if one.report.job in listed.by_id]
        unlisted = [one for one in every if one.report.job not in listed.by_id]
        return ServedTraces(served, unlisted, is_known=True)

    def _name(self, listed: JobListing) -> None:
        """Give traces that came before their jobs were listed the ids of these."""
        for key, trace in tuple(self.store.keyed()):
            named = listed.id_of(key.job)
            if named is not None and named != trace.report.job:
                self.store.rename(key, *self._named(trace.report, named))

    def _named(self, report: TraceReport, job: str) -> tuple[TraceReport, traces.ProcessText]:
        """Return a report by the id of its job, and its text."""
        if job != report.job:
            report = msgspec.structs.replace(report, job_id=job)
        return report, traces.text((self.spec.name, self.spec.cluster), report)

    def text(self, profiles: Collection[str]) -> Mapping[MetricFamily, bytes]:
        """Write the lines of all families."""
        labels, exclude = (self.spec.name, self.spec.cluster), self.spec.metrics.exclude
        found, listed = self.read(), self._listed()
        made = {
            family: b"".join(one.text[family] for one in found.served if family in one.text)
            for family in traces.PER_PROCESS
            if not is_excluded(family, exclude)
        }
        samples = traces.samples(job_counts(found), self.store.results)
        if self.spec.kind == slurm_families.SCHEDULER and slurm_families.PROFILE in profiles:
            reports = [one.report for one in found.served]
            of_slurm = slurm_traces.samples(reports, listed.by_id if listed else None)
            samples = chain(samples, of_slurm)
        return made | joined(render(labels, samples, exclude))

    def missing(self) -> ReadError | None:
        """Return why there is no token, where there should be one."""
        try:
            self.token()
        except ReadError as error:
            return error
        return None

    def describe(self) -> dict[str, Any]:
        """Return what /status says of it."""
        error = self.missing()
        return {
            "path": self.spec.tracing.path,
            "jobs": job_counts(self.read()),
            "reports": dict(self.store.results),
            "reason": error.reason if error else None,
            "message": shortened(error) if error else None,
        }


class TracedSchedulers:
    """The traces of every SchedulerBinding that wants them.

    `listed` returns what the scheduler of a binding lists now.
    """

    def __init__(
        self,
        secrets: Secrets,
        profiles: Collection[str],
        listed: Callable[[str], JobListing | None],
    ) -> None:
        self._secrets = secrets
        self._profiles = profiles
        self._listed = listed
        self._traced: dict[str, TracedScheduler] = {}

    def sync(self, specs: Mapping[str, SchedulerConfig]) -> None:
        """Trace the jobs of the bindings that want it, and of no other."""
        wanted = {name: spec for name, spec in specs.items() if spec.tracing.enabled}
        for name in self._traced.keys() - wanted.keys():
            del self._traced[name]
        for name, spec in wanted.items():
            known = self._traced.get(name)
            if known is not None and known.spec.cluster == spec.cluster:
                known.apply(spec)
            else:
                listed = partial(self._listed, name)
                self._traced[name] = TracedScheduler(spec, self._secrets, listed)

    def of(self, name: str) -> TracedScheduler | None:
        """Return the traces of a binding; None where it wants none."""
        return self._traced.get(name)

    def at(self, path: str) -> TracedScheduler | None:
        """Return the scheduler whose jobs report to a path; None for any other path."""
        return next((one for one in self._traced.values() if one.spec.tracing.path == path), None)

    def families(self) -> Iterator[FamilyLines]:
        """Go through the families with the lines of all traces."""
        made = [one.text(self._profiles) for one in self._traced.values()]
        for family in FAMILIES:
            yield family, [text[family] for text in made if text.get(family)]


def offer(spec: SchedulerConfig, secrets: Secrets) -> str | None:
    """Return where jobs report, or why they cannot; None where a document does not want it."""
    if not spec.tracing.enabled:
        return None
    try:
        _token(spec, secrets)
    except ReadError as error:
        return f"jobs cannot report at {spec.tracing.path}: {error}"
    return f"jobs report at {spec.tracing.path}"


def _token(spec: SchedulerConfig, secrets: Secrets) -> bytes | None:
    key = spec.tracing.token
    if key is None:
        return None
    if not (token := secrets.read(key.secret, key.key).strip()):
        raise MissingSecretError(key.secret, key.key, secrets.path(key.secret, key.key))
    return token


def job_counts(found: ServedTraces) -> dict[str, int]:
    """Count jobs with traces: yes for those that the scheduler lists, no, and unknown."""
    served, unlisted = _jobs(found.served), _jobs(found.unlisted)
    known = {"yes": served, "no": unlisted, "unknown": 0}
    return known if found.is_known else {"yes": 0, "no": 0, "unknown": served}


def _jobs(found: Iterable[Trace]) -> int:
    return len({one.report.job for one in found})
