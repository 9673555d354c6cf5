"""The PodDisruptionBudget: draining nodes never takes two shards at once."""

from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params


def budget(params: Params) -> list[Manifest]:
    """Build the PodDisruptionBudget, where there are several shards."""
    if params.shards == 1:
        return []
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(params.base)}}
    return [params.manifest("policy/v1", "PodDisruptionBudget", params.base, spec=spec)]
