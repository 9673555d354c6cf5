"""The PodDisruptionBudget: draining nodes never takes two shards at once."""

from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params


def budget(subject: Params) -> list[Manifest]:
    """Make the PodDisruptionBudget, where there are several shards."""
    if subject.shards == 1:
        return []
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector(subject.base)}}
    return [subject.manifest("policy/v1", "PodDisruptionBudget", subject.base, spec=spec)]
