"""Which collectors run on each node. What there are, and what each may touch: `requirements.py`."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.node.requirements import NEEDS
from rackwatt_crds.rules import each_once

if TYPE_CHECKING:
    Collector = str
else:
    Collector = Literal[tuple(NEEDS)]


class Node(Model, frozen=True, kw_only=True):
    """Nodes of this cluster, each measured by one pod; `pod.nodeSelector` selects them."""

    collectors: Annotated[
        list[Collector],
        Meta(
            min_length=1,
            max_length=64,
            description="What is measured: "
            + "; ".join(f"`{name}`, {needs.measures}" for name, needs in NEEDS.items())
            + ".",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ]

    RULES = (each_once("collectors"),)
