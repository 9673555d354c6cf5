"""The Deployments: one process for each shard, and never two for the same targets.

Hence `Recreate`: a BMC has few sessions, so only one process may poll it at a time.
"""

from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.labels import selector
from rackwatt_operator.manifests.params import Manifest, Params
from rackwatt_operator.manifests.pod import template


def deployments(params: Params) -> list[Manifest]:
    """Build the Deployment of each shard."""
    return [_deployment(params, shard) for shard in range(params.shards)]


def _deployment(params: Params, shard: int) -> Manifest:
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 2,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": selector(params.base, shard)},
        "template": template(params, shard),
    }
    return params.manifest("apps/v1", "Deployment", naming.shard(params.base, shard), spec=spec)
