"""Limit of a quality of service (QOS) at one moment, as a scheduler enforces it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rackwatt_exporter.schedulers.model.fields import Count, Name
from rackwatt_exporter.schedulers.model.resources import MAX_GRES, Gres

Per = Literal["qos", "user", "account"]


class QosLimit(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The limits of a QOS; None is no limit.

    `per` is whose jobs they are for: those of the QOS together, or those of each user or of each
    account in it. `submitted_jobs` are those that run and those that wait. A generic resource may
    have a limit of each type and one more of all, without a type: they do not add up.
    """

    qos: Name
    per: Per
    cpus: Count | None = None
    memory_bytes: Count | None = None
    nodes: Count | None = None
    gres: Annotated[tuple[Gres, ...], Meta(max_length=MAX_GRES)] = ()
    running_jobs: Count | None = None
    submitted_jobs: Count | None = None
