"""The pipeline of Lustre's I/O: statistics of a Prometheus, joined with a binding's own snapshot.

It polls beside the scheduler and never within its poll: a Prometheus that hangs delays no state of
a node. The jobs are those of the last snapshot, so that the scheduler is not polled again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.lustre import LustreConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.lustre.families import FAMILIES as OWN
from rackwatt_exporter.lustre.families import SCRAPE_OK, VIEWS, samples
from rackwatt_exporter.lustre.reading import KnownJobs, LustreReading
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines.health import shortened
from rackwatt_exporter.pipelines.pipeline import Pipeline, Subject, scheduled
from rackwatt_exporter.polling.poller import Pollable
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.views.render import (
    SCHEDULER_LABELS,
    is_excluded,
    joined,
    render,
)
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.store import Record, Store

HEALTH = HealthFamilies.of("lustre", SCHEDULER_LABELS)
FAMILIES = (*OWN, *HEALTH)

LustreRecord = Record[LustreConfig, LustreReading]


class LustreStore(Store[LustreConfig, LustreReading]):
    """The I/O of each binding, by its name."""

    def _problem(self, value: LustreReading) -> ReadError | None:
        return value.error


class _View(NamedTuple):
    """The text of each family that is made of a reading."""

    reading: LustreReading
    spec: LustreConfig
    text: Mapping[MetricFamily, bytes]


class _ViewedSource:
    """A source whose readings are made into text before they are stored, in another thread."""

    def __init__(
        self, source: Pollable[LustreReading], make_view: Callable[[LustreReading], object]
    ) -> None:
        self._source = source
        self._make_view = make_view

    async def read(self) -> LustreReading:
        """Read, and make the text."""
        reading = await self._source.read()
        await asyncio.to_thread(self._make_view, reading)
        return reading

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()


class LustrePipeline(Pipeline[LustreConfig, LustreReading]):
    """The I/O on Lustre of every SchedulerBinding that wants it."""

    name = "lustre"
    noun = "Lustre source"

    def __init__(self, store: LustreStore, schedulers: NodeStateStore, secrets: Secrets) -> None:
        super().__init__(store)
        self._schedulers = schedulers
        self._secrets = secrets
        self._views: dict[str, _View] = {}

    def specs(self, fleet: Fleet) -> Mapping[str, LustreConfig]:
        """Return what the bindings want, by their names."""
        return fleet.lustre

    def sync(self, fleet: Fleet) -> set[str]:
        """Poll what the documents say; return the names of the bindings that were removed."""
        removed = super().sync(fleet)
        for name in removed:
            self._views.pop(name, None)
        return removed

    def source(self, spec: LustreConfig) -> Pollable[LustreReading]:
        """Make the source of a binding."""
        from rackwatt_exporter.lustre.source import LustreSource  # only where a document wants it

        source = LustreSource(spec, self._secrets, partial(self._jobs, spec.scheduler))
        return _ViewedSource(source, partial(self._view, spec))

    def identity(self, spec: LustreConfig) -> object:
        """Return the way to Prometheus, the templates and the deadline."""
        return spec.options, spec.tls, spec.credentials, spec.schedule.timeout_s

    def pace(self, spec: LustreConfig) -> PollSchedule:
        """Return how often it is polled."""
        return scheduled(spec.schedule)

    def subject(self, spec: LustreConfig) -> Subject:
        """Name the binding, and where the statistics are from."""
        return Subject(spec.scheduler, spec.options.prometheus_url, "lustre/prometheus")

    def reference(self, spec: LustreConfig, fleet: Fleet) -> str:
        """Return the document."""
        del fleet
        return f"SchedulerBinding {spec.scheduler}"

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through health, and what is made of the readings."""
        records = [(_labels(record.spec), record) for record in self.store.records.values()]
        okay = [
            line(SCRAPE_OK, who, int(record.up))
            for who, record in records
            if not is_excluded(SCRAPE_OK, record.spec.exclude)
        ]
        known = [self._view(one.spec, one.value).text for _, one in records if one.value]
        views = ((family, [text[family] for text in known if family in text]) for family in VIEWS)
        return chain(HEALTH.lines(records, now_s), [(SCRAPE_OK, okay)], views)

    def describe(self, record: LustreRecord) -> dict[str, Any]:
        """Return how many job ids are of jobs, of processes and of nothing."""
        value = record.value
        return {
            "name": record.spec.scheduler,
            "cluster": record.spec.cluster,
            "jobids": dict(value.jobids) if value else None,
            "unread": value.unread if value else None,
            "note": shortened(value.note) if value and value.note else None,
        }

    def found(self, record: LustreRecord) -> str | None:
        """Return how many job ids have I/O."""
        return self.summary(record.value) if record.value else None

    def summary(self, value: LustreReading) -> str | None:
        """Return how many job ids have I/O: of jobs, of processes, and without a match."""
        jobs, processes = value.jobids["job"], value.jobids["process"]
        unmatched = value.jobids.total() - jobs - processes
        total = counted(value.jobids.total(), "job id")
        return f"{total} with I/O: {jobs} of jobs, {processes} of processes, {unmatched} unmatched"

    def problem(self, value: LustreReading) -> ReadError | None:
        """Return why a part is missing."""
        return value.error

    def note(self, value: LustreReading) -> str | None:
        """Return what may be incomplete."""
        return shortened(value.note) or None

    async def _jobs(self, binding: str) -> KnownJobs:
        """Return the jobs that a scheduler listed last; wait for the first answer of one.

        Raises:
            ReadError: the scheduler's own, or that jobs are not known.
        """
        await self._schedulers.polled(binding)
        record = self._schedulers.fresh(binding)
        if record is None or record.value is None or record.read_at_s is None:
            error = record.error if record else None
            reason = error.reason if error else Reason.TIMEOUT
            raise ReadError(reason, f"jobs are not known: {error or 'the scheduler is silent'}")
        if record.value.jobs is None:
            words = record.value.note or "this scheduler lists none"
            raise ReadError(Reason.ABSENT, f"jobs are not known: {words}")
        return KnownJobs(record.value.jobs, record.read_at_s)

    def _view(self, spec: LustreConfig, reading: LustreReading) -> _View:
        """Return the text of a reading, which is made once."""
        view = self._views.get(spec.key)
        if view is None or view.reading is not reading or view.spec != spec:
            lines = render(_labels(spec), samples(reading), spec.exclude)
            self._views[spec.key] = view = _View(reading, spec, joined(lines))
        return view


def _labels(spec: LustreConfig) -> tuple[str, str]:
    return spec.scheduler, spec.cluster
