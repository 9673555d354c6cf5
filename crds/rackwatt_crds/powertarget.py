"""PowerTarget: BMCs and PDUs, nodes or a grid zone to measure."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from rackwatt_crds.bmc.hosts import (
    SCHEDULE_RULES,
    Bmc,
    Interval,
    MaxBackoff,
    Retries,
    SchedulerRef,
    StaleAfter,
    Timeout,
)
from rackwatt_crds.fields import Paused
from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.model import Model
from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.node.collectors import Node
from rackwatt_crds.pod import Pod
from rackwatt_crds.rules import exactly_one, immutable
from rackwatt_crds.web import Web

Measured = Literal["bmc", "node", "grid"]
MEASURED: tuple[Measured, ...] = get_args(Measured)


class PowerTargetSpec(Model, frozen=True, kw_only=True):
    """Exactly one of `bmc`, `node` and `grid`, and the schedule of its targets."""

    scheduler_ref: SchedulerRef = None
    interval: Interval = None
    timeout: Timeout = None
    stale_after: StaleAfter = None
    retries: Retries = None
    max_backoff: MaxBackoff = None
    bmc: Annotated[
        Bmc | None, Meta(description="A fleet of BMCs and PDUs, polled over the network.")
    ] = None
    node: Annotated[
        Node | None, Meta(description="The nodes of this Kubernetes cluster, measured from inside.")
    ] = None
    grid: Annotated[
        Grid | None, Meta(description="The carbon intensity of the electricity grid.")
    ] = None
    paused: Paused = False
    monitoring: Monitoring | None = None
    pod: Pod | None = None
    web: Web | None = None

    RULES = (
        exactly_one(*MEASURED),
        immutable(
            "bmc, node and grid cannot replace one another: create another PowerTarget",
            "has(self.bmc)",
            "has(self.node)",
        ),
        *SCHEDULE_RULES,
    )
