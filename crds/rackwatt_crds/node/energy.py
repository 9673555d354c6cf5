"""Settings of a node's energy: the source that measures it, and the weights that divide it.

Sources are in the order in which they are chosen, the best first. One of the whole machine is
better than the sum of its parts, which lacks fans, disks and the losses of supplies. Among those a
counter is better than power that is sampled: Cray's counters, then the BMC over Redfish, which may
count as well, then over IPMI, then a meter of the board.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.node.requirements import HostRequirements

WHOLE_NODE_SOURCES = ("cray", "redfish", "ipmi", "hwmon")
PART_SOURCES = ("rapl", "nvidia", "amd")

ENERGY_REQUIREMENTS = HostRequirements(
    measures="the energy of the node, divided between its units",
    host_paths={"/proc": "/host/proc"},
    reasons={"host_paths": "the busy time and the memory of the node are in /proc"},
)

# A pod is replaced at each update, and its own folders with it. The kubelet makes a directory that
# it lacks with mode 0755 for root, so that no other user may write there.
STATE_REQUIREMENTS = HostRequirements(
    measures="what each unit has used before the pod was replaced",
    root=True,
    keeps_state=True,
    reasons={
        "root": "the directory of the counters belongs to root (mode 0755)",
        "keeps_state": "counters of energy go on when a pod is replaced, at each update",
    },
)

Weight = Annotated[float, Meta(ge=0, le=1000)]


class EnergyModel(Model, frozen=True, kw_only=True):
    """Weights by which the energy of a node is divided between its units."""

    cpu: Annotated[
        Weight | None,
        Meta(
            description="Weight of CPU time, against `memory`, of what neither idles nor is "
            "measured by itself. Default: 0.9."
        ),
    ] = None
    memory: Annotated[
        Weight | None,
        Meta(
            description="Weight of anonymous memory. Default: 0.1. Where RAPL measures memory "
            "(`dram`), its share of the energy is that which RAPL measures, and both weights are "
            "unused."
        ),
    ] = None
    idle: Annotated[
        Literal["allocated", "equal", "none"] | None,
        Meta(
            description="Who is charged with the power of the idle machine: each unit for the "
            "CPUs that it holds, the rest stays `idle` (`allocated`); all units equally "
            "(`equal`); none of them (`none`). Default: allocated."
        ),
    ] = None
    idle_watts: Annotated[
        Annotated[float, Meta(ge=0, le=100_000)] | None,
        Meta(
            description="Power of the idle node without its GPUs, where it is known. Default: it "
            "is fitted, once the load of the node has varied."
        ),
    ] = None
    gpu: Annotated[
        Literal["auto", "included", "separate"] | None,
        Meta(
            description="Whether the source of the whole node measures the GPU boards as well: "
            "`included`, `separate` where they have supplies of their own, or `auto`, which finds "
            "out: they are included unless they draw more than the node. Default: auto."
        ),
    ] = None


class Energy(Model, frozen=True, kw_only=True):
    """Source and division of a node's energy."""

    source: Annotated[
        Literal["auto", "cray", "redfish", "ipmi", "hwmon", "rapl"] | None,
        Meta(
            description="Source that measures the node. `auto` takes the first that has a value "
            "of cray, redfish, ipmi, hwmon; without any, the sum of rapl and the GPUs. "
            "Default: auto."
        ),
    ] = None
    model: EnergyModel | None = None
