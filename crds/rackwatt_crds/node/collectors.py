"""Which collectors run on each node. What each one may touch there stands in needs.py."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.rules import each_once

Collector = Literal["rapl", "cpu"]


class Node(Model, frozen=True, kw_only=True):
    """Measured by one pod on each node; which nodes, `pod.nodeSelector` says."""

    collectors: Annotated[
        list[Collector],
        Meta(
            min_length=1,
            max_length=64,
            description="What is measured, each once: `rapl`, the joules of processors and memory "
            "by their own account; `cpu`, the seconds that processors worked.",
            extra_json_schema={"x-kubernetes-list-type": "set"},
        ),
    ]

    RULES = (each_once("collectors"),)
