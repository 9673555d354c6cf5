"""The pipeline of schedulers: their snapshots, and the states of nodes that the targets carry."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from heapq import nsmallest
from itertools import chain
from typing import Any

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines import tracing
from rackwatt_exporter.pipelines.health import shortened
from rackwatt_exporter.pipelines.pipeline import Pipeline, Subject
from rackwatt_exporter.pipelines.shares import SharedNodes
from rackwatt_exporter.pipelines.snapshot_summary import summarized
from rackwatt_exporter.pipelines.snapshot_view import MAX_STATES, VIEWS, SnapshotView, make_view
from rackwatt_exporter.pipelines.tracing import JobListing, TracedSchedulers
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.received import ReceivedBytes, counting
from rackwatt_exporter.schedulers.base import Scheduler
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.registry import scheduler
from rackwatt_exporter.schedulers.views.nodes import state_counts
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS
from rackwatt_exporter.schedulers.views.shares import SHARES
from rackwatt_exporter.store.node_names import Unmatched
from rackwatt_exporter.store.node_states import NodeStateStore, SchedulerRecord

_MAX_UNMATCHED = 20

HEALTH = HealthFamilies(
    MetricFamily(
        "rackwatt_scheduler_up",
        "gauge",
        "1 if the scheduler answered the last poll, 0 otherwise.",
        SCHEDULER_LABELS,
    ),
    MetricFamily(
        "rackwatt_scheduler_answer_age_seconds",
        "gauge",
        "Age of the scheduler's last answer, whether it is still used or not.",
        SCHEDULER_LABELS,
        "seconds",
    ),
    MetricFamily(
        "rackwatt_scheduler_read_duration_seconds",
        "gauge",
        "Duration of the last poll, successful or not.",
        SCHEDULER_LABELS,
        "seconds",
    ),
    MetricFamily(
        "rackwatt_scheduler_errors_total",
        "counter",
        "Total number of failed polls, by reason (docs/troubleshooting.md).",
        (*SCHEDULER_LABELS, "reason"),
    ),
)
RECEIVED = MetricFamily(
    "rackwatt_scheduler_answer_bytes_total",
    "counter",
    "Total number of bytes that the scheduler has answered, decompressed, also in failed polls.",
    SCHEDULER_LABELS,
    "bytes",
)
# More than a command takes to be killed and reaped at its own deadline: its words are the reason.
_GRACE_S = 3.0
UNMATCHED = MetricFamily(
    "rackwatt_scheduler_unmatched_names",
    "gauge",
    "Names without a match: `targets` that the scheduler should know by their `type`, and `nodes` "
    "of the scheduler that no target is.",
    (*SCHEDULER_LABELS, "side"),
)
FAMILIES = (*HEALTH, RECEIVED, *VIEWS, SHARES, UNMATCHED, *tracing.FAMILIES)


class _ViewedScheduler:
    """A scheduler whose snapshots are made into views before they are stored.

    In another thread: of a large cluster that takes longer than the event loop may be held up.
    What it answers is counted, whether that is a snapshot or not.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        view: Callable[[SchedulerSnapshot], SchedulerSnapshot],
        received: ReceivedBytes,
    ) -> None:
        self.scheduler = scheduler
        self._view = view
        self._received = received

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot, with the shares of its nodes, and make its view."""
        with counting(self._received):
            snapshot = await self.scheduler.read()
        return await asyncio.to_thread(self._view, snapshot)

    async def close(self) -> None:
        """Close the scheduler."""
        await self.scheduler.close()


class SchedulerPipeline(Pipeline[SchedulerConfig, SchedulerSnapshot]):
    """All SchedulerBindings."""

    name = "schedulers"
    noun = "scheduler"
    store: NodeStateStore

    def __init__(
        self, store: NodeStateStore, secrets: Secrets, profiles: Collection[str] = ()
    ) -> None:
        super().__init__(store)
        self._secrets = secrets
        self._profiles = frozenset(profiles)
        self._views: dict[str, SnapshotView] = {}
        self._next_views: dict[str, SnapshotView] = {}  # of snapshots that are not stored yet
        self._shares = SharedNodes(store)
        self._received: defaultdict[str, ReceivedBytes] = defaultdict(ReceivedBytes)
        self.traced = TracedSchedulers(secrets, self._profiles, self._listed)

    def specs(self, fleet: Fleet) -> Mapping[str, SchedulerConfig]:
        """Return the bindings, by name."""
        return fleet.schedulers

    def sync(self, fleet: Fleet) -> set[str]:
        """Poll what the documents say; return the names of the bindings that were removed."""
        removed = super().sync(fleet)
        for name in removed:
            self._views.pop(name, None)
            self._next_views.pop(name, None)
            self._shares.remove(name)
            self._received.pop(name, None)
        self.traced.sync(fleet.schedulers)
        return removed

    def source(self, spec: SchedulerConfig) -> Scheduler:
        """Make the scheduler of a binding."""
        polled = scheduler(spec, self._secrets)
        return _ViewedScheduler(polled, partial(self._viewed, spec), self._received[spec.name])

    def identity(self, spec: SchedulerConfig) -> object:
        """Return the way to the scheduler."""
        return spec.connection_key

    def pace(self, spec: SchedulerConfig) -> PollSchedule:
        """Return how often it is polled."""
        return PollSchedule(spec.interval_s, spec.timeout_s, spec.max_backoff_s, grace_s=_GRACE_S)

    def subject(self, spec: SchedulerConfig) -> Subject:
        """Name the binding, the host that answers where the document names one, and its kind."""
        return Subject(spec.name, spec.address, spec.label)

    def reference(self, spec: SchedulerConfig, fleet: Fleet) -> str:
        """Return the document."""
        del fleet
        return f"SchedulerBinding {spec.name}"

    def offer(self, spec: SchedulerConfig) -> str | None:
        """Return where its jobs report, or why they cannot."""
        return tracing.offer(spec, self._secrets)

    def note(self, value: SchedulerSnapshot) -> str | None:
        """Return how many nodes could not be read, and what the answer shows of them."""
        unread = f"{counted(value.unread, 'node')} could not be read" if value.unread else ""
        return shortened(": ".join(filter(None, (unread, value.note)))) or None

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through health, what is made of the snapshots, and the names without a match."""
        records = self.store.records.values()
        health = HEALTH.lines([(_labels(record), record) for record in records], now_s)
        known = [self._view(one.spec, one.value).text for one in records if one.value]
        views = ((family, [text[family] for text in known if family in text]) for family in VIEWS)
        received = [
            line(RECEIVED, _labels(one), self._received[one.spec.name].total) for one in records
        ]
        shares = [text for one in records if (text := self._shares.text(one.spec))]
        joins = [(SHARES, shares), (UNMATCHED, self._unmatched())]
        return chain(health, [(RECEIVED, received)], views, joins, self.traced.families())

    def _listed(self, name: str) -> JobListing | None:
        """Return the jobs that a scheduler lists now; None where they are not known."""
        self.store.withdraw_stale()
        record = self.store.records.get(name)
        if record is None or record.value is None:
            return None
        return self._view(record.spec, record.value).listed

    def _viewed(self, spec: SchedulerConfig, snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
        """Return a snapshot as it is stored, whose view is made.

        Until it is stored, the view of the last one is served.
        """
        snapshot = self._shares.divide(spec.name, snapshot)
        last = self._next_views.get(spec.name) or self._views.get(spec.name)
        self._next_views[spec.name] = make_view(spec, snapshot, self._profiles, last)
        return snapshot

    def _view(self, spec: SchedulerConfig, snapshot: SchedulerSnapshot) -> SnapshotView:
        """Return the view of a stored snapshot, which is made once."""
        following = self._next_views.get(spec.name)
        if following is not None and following.snapshot is snapshot:
            self._views[spec.name] = self._next_views.pop(spec.name)
        view = self._views.get(spec.name)
        if view is None or view.snapshot is not snapshot or view.spec != spec:
            self._views[spec.name] = view = make_view(spec, snapshot, self._profiles, view)
        return view

    def describe(self, record: SchedulerRecord) -> dict[str, Any]:
        """Return its cluster, its version, and its nodes and jobs by state."""
        value = record.value
        traced = self.traced.of(record.spec.name)
        return {
            "name": record.spec.name,
            "cluster": record.spec.cluster,
            "version": value.version if value else None,
            "nodes": dict(_counts(record).most_common(MAX_STATES)),
            "jobs": self._view(record.spec, value).jobs if value else None,
            "unread": value.unread if value else None,
            "note": shortened(value.note) if value and value.note else None,
            "unmatched": _described(self.store.unmatched(record.spec.name)),
            "tracing": traced.describe() if traced else None,
        }

    def errors(self, record: SchedulerRecord) -> Iterator[ReadError]:
        """Go through why the scheduler is not read, and why its jobs cannot be traced."""
        yield from super().errors(record)
        traced = self.traced.of(record.spec.name)
        if traced is not None and (error := traced.missing()) is not None:
            yield error

    def found(self, record: SchedulerRecord) -> str | None:
        """Return its nodes by state, and its jobs where they are known."""
        return None if record.value is None else summarized(record.value)

    def summary(self, value: SchedulerSnapshot) -> str | None:
        """Return the scheduler's version, its nodes by state, and its jobs where they are known."""
        summary = summarized(value)
        return f"{value.version}: {summary}" if value.version else summary

    def _unmatched(self) -> list[bytes]:
        lines = []
        for record in self.store.records.values():
            unmatched = self.store.unmatched(record.spec.name)
            for side, names in unmatched._asdict().items() if unmatched else ():
                lines.append(line(UNMATCHED, (*_labels(record), side), len(names)))
        return lines


def _described(unmatched: Unmatched | None) -> dict[str, Any] | None:
    """Return how many names have no match, and the first of them."""
    if unmatched is None:
        return None
    return {
        "targets": len(unmatched.targets),
        "first_targets": nsmallest(_MAX_UNMATCHED, unmatched.targets),
        "nodes": len(unmatched.nodes),
        "first_nodes": nsmallest(_MAX_UNMATCHED, unmatched.nodes),
    }


def _labels(record: SchedulerRecord) -> tuple[str, str]:
    return record.spec.name, record.spec.cluster


def _counts(record: SchedulerRecord) -> Counter[str]:
    """Count nodes by state; none where no snapshot counts now."""
    return state_counts(record.value) if record.value else Counter()
