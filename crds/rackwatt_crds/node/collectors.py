"""The collectors that run on each node; `requirements.py` has the table of all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.node.amd import Amd
from rackwatt_crds.node.energy import Energy
from rackwatt_crds.node.hwmon import Hwmon
from rackwatt_crds.node.ipmi import NodeIpmi
from rackwatt_crds.node.netdev import Netdev
from rackwatt_crds.node.nvidia import Nvidia
from rackwatt_crds.node.profiling import NodeProfiling
from rackwatt_crds.node.redfish import NodeRedfish
from rackwatt_crds.node.requirements import (
    REDFISH_BY_IPMI,
    REQUIREMENTS,
    HostRequirements,
)
from rackwatt_crds.node.units import Units
from rackwatt_crds.rules import unique

AUTO = "auto"

if TYPE_CHECKING:
    Collector = str
else:
    Collector = Literal[(AUTO, *REQUIREMENTS)]


class Node(Model, frozen=True, kw_only=True):
    """Nodes of this cluster, each measured by one pod; `pod.nodeSelector` selects them."""

    collectors: Annotated[
        Annotated[
            list[Collector],
            Meta(
                min_length=1,
                max_length=64,
                extra_json_schema={"x-kubernetes-list-type": "set"},
            ),
        ]
        | None,
        Meta(
            description="What is measured: "
            + "; ".join(f"`{name}`, {required.measures}" for name, required in REQUIREMENTS.items())
            + ". `auto` adds each of them that the node has: one that is absent is no failure, and "
            "one that appears later is taken then. Each that is named beside `auto` must be there. "
            "The operator grants the pods what `auto` may need, which is what all of them need "
            "but privileged containers: those are for collectors that are named. Name collectors "
            "to grant less. Default: [auto]."
        ),
    ] = None
    hwmon: Annotated[Hwmon | None, Meta(description="Settings of the collector `hwmon`.")] = None
    netdev: Annotated[Netdev | None, Meta(description="Settings of the collector `netdev`.")] = None
    amd: Annotated[Amd | None, Meta(description="Settings of the collector `amd`.")] = None
    ipmi: Annotated[NodeIpmi | None, Meta(description="Settings of the collector `ipmi`.")] = None
    nvidia: Annotated[Nvidia | None, Meta(description="Settings of the collector `nvidia`.")] = None
    redfish: Annotated[
        NodeRedfish | None, Meta(description="Settings of the collector `redfish`.")
    ] = None
    units: Annotated[
        Units | None,
        Meta(
            description="Whose jobs, virtual machines and pods are read, from their control groups."
        ),
    ] = None

    energy: Annotated[
        Energy | None,
        Meta(
            description="How the energy of the node is measured and divided between its units. It "
            "is divided where `energy` or `units` is given."
        ),
    ] = None

    profiling: Annotated[
        NodeProfiling | None,
        Meta(
            description="Processes of units that are listed at `/alloy-targets`, for Grafana Alloy."
        ),
    ] = None

    RULES = (unique("collectors"),)


class Choice(NamedTuple):
    """A collector of a document: its name, the field that chooses it, and whether `auto` does."""

    name: str
    path: str
    automatic: bool


def required(node: Node, collector: str) -> HostRequirements:
    """Return what a collector requires with the settings of a document."""
    redfish = node.redfish
    if collector == "redfish" and redfish is not None and redfish.hostname is None:
        return REDFISH_BY_IPMI
    return REQUIREMENTS[collector]


def named(node: Node) -> frozenset[str]:
    """Return the collectors that a document names; `auto` names none."""
    return frozenset(choice.name for choice in choices(node) if not choice.automatic)


def choices(node: Node) -> Iterator[Choice]:
    """Go through the collectors of a document: those that it names, then those of `auto`."""
    names = [AUTO] if node.collectors is None else node.collectors
    for index, name in enumerate(names):
        if name != AUTO:
            yield Choice(name, f"collectors[{index}]", False)
    if AUTO in names:
        path = "collectors" if node.collectors is None else f"collectors[{names.index(AUTO)}]"
        for name in REQUIREMENTS:
            if name not in names:
                yield Choice(name, path, True)
