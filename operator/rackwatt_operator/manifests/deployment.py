"""The Deployments: one process for each shard, and never two for the same targets.

Hence `Recreate`: a BMC has few sessions, and is asked by one process at a time.
"""

from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.pod import template


def deployments(subject: Params) -> list[Manifest]:
    """Make the Deployment of each shard."""
    return [_deployment(subject, shard) for shard in range(subject.shards)]


def _deployment(subject: Params, shard: int) -> Manifest:
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(subject.base, shard)},
        "template": template(subject, shard),
    }
    return subject.manifest("apps/v1", "Deployment", naming.shard(subject.base, shard), spec=spec)
