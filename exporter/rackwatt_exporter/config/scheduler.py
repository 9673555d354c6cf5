"""A SchedulerBinding resolved: one scheduler, with nothing left to decide of how it is polled.

Interval and timeout have their defaults in the model, since nothing overrides them for a part of a
binding.
"""

from dataclasses import dataclass

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import SCHEDULERS, chosen
from rackwatt_crds.model import Model
from rackwatt_crds.schedulerbinding import INTERVAL, TIMEOUT
from rackwatt_crds.validation import semantic_problems

INTERVAL_S = seconds(INTERVAL)
TIMEOUT_S = seconds(TIMEOUT)
# A scheduler is one for all its nodes, and can bear being asked: their states are soon back.
MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """All that a scheduler, the polling and the page need to know of one SchedulerBinding.

    `kind` names the scheduler, and `settings` are its own, from the document; the scheduler fills
    in their defaults.
    """

    name: str
    document: str
    cluster: str
    kind: str
    settings: Model
    node_name: str | None = None
    interval_s: float = INTERVAL_S
    timeout_s: float = TIMEOUT_S
    stale_after_s: float = 3 * INTERVAL_S
    max_backoff_s: float = MAX_BACKOFF_S

    @property
    def key(self) -> str:
        """Its key: the name of the document."""
        return self.name

    @property
    def reading_timeout_s(self) -> float:
        """Seconds a scheduler may take: a little less than the deadline, whose reason is poorer."""
        return 0.9 * self.timeout_s

    @property
    def label(self) -> str:
        """The scheduler and how it is polled, such as `slurm/rest`."""
        return SCHEDULERS[self.kind].label(self.settings)

    @property
    def access(self) -> object:
        """All that a scheduler depends on: while it stays the same, so does what is open to it."""
        return self.kind, self.settings, self.timeout_s


def binding(document: SchedulerBinding) -> SchedulerConfig:
    """Decide every setting of a document.

    Raises:
        ValueError: a host list, or a URL, that means nothing; with the path of the field.
    """
    name, spec = document.metadata.name, document.spec
    for problem in semantic_problems(document):
        raise ValueError(str(problem))
    kind, settings = chosen(SCHEDULERS, spec)
    interval_s = seconds(spec.interval)
    return SchedulerConfig(
        name=name,
        document=name,
        cluster=spec.cluster,
        kind=kind.name,
        settings=settings,
        node_name=spec.node_name,
        interval_s=interval_s,
        timeout_s=seconds(spec.timeout),
        stale_after_s=seconds(spec.stale_after) if spec.stale_after else 3 * interval_s,
        max_backoff_s=max(interval_s, MAX_BACKOFF_S),
    )
