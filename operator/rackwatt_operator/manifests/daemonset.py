"""The DaemonSet: one collector on each node that the document selects."""

from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.pod import template


def daemon_set(params: Params) -> Manifest:
    """Build the DaemonSet; a tenth of the nodes at a time get a new collector."""
    spec = {
        "revisionHistoryLimit": 2,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
        "selector": {"matchLabels": selector(params.base)},
        "template": template(params, None),
    }
    return params.manifest("apps/v1", "DaemonSet", params.base, spec=spec)
