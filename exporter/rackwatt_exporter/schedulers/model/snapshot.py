"""One answer of a scheduler, in the same words whichever scheduler gave it.

Every view of a scheduler is made of one snapshot, so that what two families say of a node is of the
same moment. A reader fills what its scheduler reports; an empty field was not reported. The relay
(relay.py) serves these very structures to other exporters: their bounds are in them, and every
reader keeps to them.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, TypeVar

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.diagnostics import Diagnostics
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.fields import Name, Time
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.node import NodeShares, NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.reservation import Reservation

_MAX_WORDS = {"cluster": 100, "version": 40, "user": 255, "note": 500}

MAX_UNREAD = 2**31
Unread = Annotated[int, msgspec.Meta(ge=0, le=MAX_UNREAD)]
T = TypeVar("T")


class SchedulerSnapshot(msgspec.Struct, frozen=True):
    """What a scheduler reports of its nodes, by name, of its jobs, and of subjects beside them.

    A node that is missing has no state. `jobs` and what follows `user` are None where they were
    not read, and () where there is none. `cluster` is the name that the scheduler itself gives
    its cluster, `version` its own version, and `user` is whose requests these are: a name, or a
    uid. `unread` nodes and `unread_jobs` exist and could not be read; `note` says more of them.
    `age_s` is how old the answer was when it came: that of a scheduler itself is new. `usage` is
    what was measured on nodes, by name, and `shares` are whose jobs hold which part of each.
    `numbers` are there where nodes and jobs are counted and not listed. The token's times are those
    of the log-in that it was read with.
    """

    nodes: Mapping[Name, SchedulerNode]
    cluster: str = ""
    version: str = ""
    unread: Unread = 0
    note: str = ""
    age_s: float = 0.0
    jobs: tuple[Job, ...] | None = None
    unread_jobs: Unread = 0
    user: str = ""
    usage: Mapping[Name, NodeUsage] | None = None
    licenses: tuple[License, ...] | None = None
    reservations: tuple[Reservation, ...] | None = None
    queues: tuple[Queue, ...] | None = None
    diagnostics: Diagnostics | None = None
    limits: tuple[Limit, ...] | None = None
    qos_limits: tuple[QosLimit, ...] | None = None
    limit_usage: tuple[LimitUsage, ...] | None = None
    fairshare: tuple[FairShare, ...] | None = None
    shares: Mapping[Name, NodeShares] | None = None
    numbers: Numbers | None = None
    token_issued_at_s: Time | None = None
    token_expires_at_s: Time | None = None

    def __post_init__(self) -> None:
        for field, limit in _MAX_WORDS.items():
            words = printable(getattr(self, field), limit)
            msgspec.structs.force_setattr(self, field, words)


# The parts that a snapshot may be without.
OPTIONAL = tuple(
    field.name for field in msgspec.structs.fields(SchedulerSnapshot) if field.default is None
)


def nodes_alone(snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
    """Return a snapshot of nodes and their shares, as if nothing else had been read."""
    alone = dict.fromkeys(OPTIONAL) | {"shares": snapshot.shares}
    return msgspec.structs.replace(snapshot, unread_jobs=0, **alone)


def share(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return values by name; equal ones are one object, since few of ten thousand differ."""
    known: dict[T, T] = {}
    return {name: known.setdefault(item, item) for name, item in items}
