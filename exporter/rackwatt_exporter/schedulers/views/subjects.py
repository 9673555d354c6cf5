"""The family that says whether what a document wants beside nodes and jobs is known.

Where it is not, its families have no series: to a rule that looks like none at all.
"""

from collections.abc import Collection, Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

KNOWN = MetricFamily(
    "rackwatt_scheduler_subject_known",
    "gauge",
    "1 if what spec.metrics wants of this subject beside nodes and jobs is known, 0 if it could "
    "not be read.",
    (*SCHEDULER_LABELS, "subject"),
)
FAMILIES = (KNOWN,)
# Where a field of spec.metrics wants what has another name in a snapshot, or more than that.
_FIELDS = {
    "partitions": {"partitions": "queues"},
    "limits": {"limits": "limits", "qos_limits": "qos_limits"},
}


def samples(snapshot: SchedulerSnapshot, subjects: Collection[str]) -> Iterator[Sample]:
    """Go through the fields of spec.metrics that want a subject of this scheduler."""
    for option in sorted(subjects):
        for subject, field in _FIELDS.get(option, {option: option}).items():
            yield Sample(KNOWN, (subject,), int(getattr(snapshot, field) is not None))
