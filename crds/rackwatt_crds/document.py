"""Documents: a kind, its metadata and the model of its spec."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Name
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec

API_VERSION = "rackwatt.dev/v1alpha1"


class Metadata(Model, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The fields of Kubernetes' object metadata that Rackwatt uses."""

    name: Name
    namespace: Annotated[str, Meta(description="The namespace. Default: default.")] = "default"


class PowerTarget(Model, frozen=True, kw_only=True):
    """What to measure: BMCs and PDUs over the network, this cluster's nodes, or the grid."""

    metadata: Metadata
    spec: PowerTargetSpec


class SchedulerBinding(Model, frozen=True, kw_only=True):
    """A scheduler: the source of each node's state."""

    metadata: Metadata
    spec: SchedulerBindingSpec


Document = PowerTarget | SchedulerBinding
KINDS: dict[str, type[PowerTarget] | type[SchedulerBinding]] = {
    "PowerTarget": PowerTarget,
    "SchedulerBinding": SchedulerBinding,
}
