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
    "1 if what this field of spec.metrics wants beside nodes and jobs is known, 0 if it could not "
    "be read.",
    (*SCHEDULER_LABELS, "subject"),
)
FAMILIES = (KNOWN,)
# The fields of a snapshot that have another name than those of spec.metrics.
_FIELDS = {"partitions": "queues"}


def samples(snapshot: SchedulerSnapshot, subjects: Collection[str]) -> Iterator[Sample]:
    """Go through the fields of spec.metrics that want a subject of this scheduler."""
    for subject in sorted(subjects):
        is_known = getattr(snapshot, _FIELDS.get(subject, subject)) is not None
        yield Sample(KNOWN, (subject,), int(is_known))
