"""Model of a unit: one job, virtual machine or pod of this machine.

None is unknown and never 0; infinity is a limit that is not set. Numbers are in base units.
`identity` differs where a manager uses an id again: a control group's inode number is not used
twice within a boot, so it is that, with the boot.
"""

from typing import NamedTuple

import msgspec

from rackwatt_exporter.reading import ReadError


class UnitKey(NamedTuple):
    """The manager of a unit, and the unit's id there."""

    manager: str
    unit: str


class UnitInfo(NamedTuple):
    """What a unit is called and whose it is; empty where it is unknown."""

    uuid: str = ""
    user: str = ""
    account: str = ""
    name: str = ""
    namespace: str = ""


class Pressure(NamedTuple):
    """Total time in which some, or all, tasks of a unit waited for a resource (PSI)."""

    waiting_s: float
    stalled_s: float | None


class BlockUse(NamedTuple):
    """Total use of a block device."""

    device: str
    read_bytes: int
    written_bytes: int
    reads: int
    writes: int


class RdmaUse(NamedTuple):
    """Handles and objects of an RDMA device that are held now."""

    device: str
    handles: int
    objects: int


class UnitGpu(NamedTuple):
    """A GPU, or an instance of one, and the share of it that a unit holds."""

    ordinal: str
    uuid: str
    instance: str
    share: float


class StepReading(msgspec.Struct, frozen=True, gc=False):
    """What one step of a job uses. It is a part of the job, and never added to it."""

    step: str
    user_s: float | None = None
    system_s: float | None = None
    anonymous_bytes: int | None = None
    memory_bytes: int | None = None


class UnitReading(msgspec.Struct, frozen=True, gc=False):
    """What one unit has used, and holds now.

    `cpu_ns` is the total CPU time. `cpus` is how many CPUs it holds. `memory_failures` counts how
    often its limit was reached. `nodelist` has the nodes of a job as its manager writes them. With
    `has_ended` it is the last reading of a unit that is gone.
    """

    key: UnitKey
    identity: str
    cpu_ns: int | None = None
    user_s: float | None = None
    system_s: float | None = None
    cpus: float | None = None
    throttled_s: float | None = None
    throttled_periods: int | None = None
    anonymous_bytes: int | None = None
    file_bytes: int | None = None
    memory_bytes: int | None = None
    memory_limit_bytes: float | None = None
    memory_failures: int | None = None
    ooms: int | None = None
    oom_kills: int | None = None
    swap_bytes: int | None = None
    swap_limit_bytes: float | None = None
    swap_failures: int | None = None
    cpu_pressure: Pressure | None = None
    memory_pressure: Pressure | None = None
    io_pressure: Pressure | None = None
    tasks: int | None = None
    blocks: tuple[BlockUse, ...] = ()
    rdma: tuple[RdmaUse, ...] = ()
    gpus: tuple[UnitGpu, ...] = ()
    steps: tuple[StepReading, ...] = ()
    info: UnitInfo = UnitInfo()
    nodelist: str = ""
    has_ended: bool = False


class UnitsResult(msgspec.Struct, frozen=True):
    """All units of one manager. `ended` are those that are gone since the last result.

    `error` says why a part of it is missing, if one is; names are a part. `unread` are the ids of
    units that are there, and of which nothing could be read; without `is_complete` there may be
    units whose ids are not known either, and without `knows_gpus` some may hold GPUs. `unknown`
    says why users and accounts are not known. `waits_for` names the control groups that the manager
    has not made yet.
    """

    units: tuple[UnitReading, ...] = ()
    ended: tuple[UnitReading, ...] = ()
    error: ReadError | None = None
    waits_for: str = ""
    unknown: str = ""
    unread: frozenset[str] = frozenset()
    is_complete: bool = True
    knows_gpus: bool = True
