"""Defaults of all resources: `--defaults.file`, which the chart writes from its values."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rackwatt_crds.decoding import Problem, decode
from rackwatt_crds.model import Model
from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.pod import Pod
from rackwatt_crds.yamltext import load_yaml
from rackwatt_operator import __version__


class Image(Model, frozen=True, kw_only=True):
    """The collector's image."""

    reference: Annotated[str, Meta(min_length=1)] = f"rackwatt/collector:{__version__}"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"


class AccountingImage(Image, frozen=True, kw_only=True):
    """The image of accounting."""

    reference: Annotated[str, Meta(min_length=1)] = f"rackwatt/accounting:{__version__}"


class AccountingDefaults(Model, frozen=True, kw_only=True):
    """Settings of every accounting; `pod` is beneath that of the resource."""

    image: AccountingImage = AccountingImage()
    pod: Pod | None = None


class Defaults(Model, frozen=True, kw_only=True):
    """Settings of a cluster rather than of a resource.

    `pod` is for every collector; `node_pod` takes precedence for collectors on nodes.
    """

    image: Image = Image()
    log_level: Literal["debug", "info", "warn", "error"] = "info"
    pod: Pod | None = None
    node_pod: Pod | None = None
    monitoring: Monitoring | None = None
    accounting: AccountingDefaults = AccountingDefaults()


# A collector without a fleet takes some 60 MiB. There is no limit: it depends on the fleet's size,
# and a collector that is OOM-killed measures nothing.
POD: dict[str, Any] = {
    "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
    "nodeSelector": {"kubernetes.io/os": "linux"},
}

# Its size depends on no answer. A limit is the site's: one that is OOM-killed starts where it was.
ACCOUNTING_POD: dict[str, Any] = {
    "resources": {"requests": {"cpu": "50m", "memory": "192Mi"}},
    "nodeSelector": {"kubernetes.io/os": "linux"},
}

# A node draws power whatever its taints say.
NODE_POD: dict[str, Any] = {
    "resources": {"requests": {"cpu": "10m", "memory": "48Mi"}},
    "tolerations": [
        {"operator": "Exists", "effect": "NoSchedule"},
        {"operator": "Exists", "effect": "NoExecute"},
    ],
}


def defaults(text: str) -> tuple[Defaults | None, list[Problem]]:
    """Read the text of a defaults file; None when a problem spoils it. Empty, it says nothing."""
    try:
        raws = [raw for raw in load_yaml(text) if raw is not None]
    except ValueError as error:
        return None, [Problem("", str(error))]
    if len(raws) > 1:
        return None, [Problem("", "expected one YAML document, found several")]
    return decode(raws[0] if raws else {}, Defaults)
