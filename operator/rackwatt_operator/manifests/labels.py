"""The labels of children, and the selectors that find them."""

from typing import Literal

from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_crds.powertarget import Measured
from rackwatt_crds.status import kind_of
from rackwatt_operator.kube.constants import MANAGED_BY, MANAGER

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
SHARD = "rackwatt.dev/shard"

COLLECTOR = "rackwatt-collector"
ACCOUNTING = "rackwatt-accounting"


Component = Measured | Literal["scheduler"]


def component(document: Document) -> Component:
    """Name what a document's collectors are: bmc, node, grid or scheduler."""
    return "scheduler" if isinstance(document, SchedulerBinding) else kind_of(document.spec)


def labels(base: str, component: str) -> dict[str, str]:
    """Label a child."""
    return {
        NAME: COLLECTOR,
        INSTANCE: base,
        COMPONENT: component,
        PART_OF: "rackwatt",
        MANAGED_BY: MANAGER,
    }


def labels_of_accounting(base: str) -> dict[str, str]:
    """Label a child of accounting, which no selector of the collectors finds."""
    return labels(base, "accounting") | {NAME: ACCOUNTING}


def selector_of_accounting(base: str) -> dict[str, str]:
    """Select the pod of accounting."""
    return {NAME: ACCOUNTING, INSTANCE: base}


def selector(base: str, shard: int | None = None) -> dict[str, str]:
    """Select the pods of a document, or of one of its shards."""
    found = {NAME: COLLECTOR, INSTANCE: base}
    return found if shard is None else found | {SHARD: str(shard)}
