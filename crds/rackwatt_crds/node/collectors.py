"""The collectors that run on each node; `requirements.py` has the table of all."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_crds.rules import unique

if TYPE_CHECKING:
    Collector = str
else:
    Collector = Literal[tuple(REQUIREMENTS)]


class Node(Model, frozen=True, kw_only=True):
    """Nodes of this cluster, each measured by one pod; `pod.nodeSelector` selects them."""

    collectors: Annotated[
        list[Collector],
        Meta(
            min_length=1,
            max_length=64,
            description="What is measured: "
            + "; ".join(f"`{name}`, {required.measures}" for name, required in REQUIREMENTS.items())
            + ".",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ]

    RULES = (unique("collectors"),)
