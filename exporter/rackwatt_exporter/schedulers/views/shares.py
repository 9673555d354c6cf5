"""The family of the shares of nodes that are measured, by the names of the targets."""

from collections.abc import Mapping
from functools import lru_cache

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import escaped, labels
from rackwatt_exporter.schedulers.model.node import NodeShares
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS, is_excluded

SHARES = MetricFamily(
    "rackwatt_node_allocation_ratio",
    "gauge",
    "Share of the node's CPUs and GPUs that jobs of the user, account and partition hold; what is "
    "missing to 1 is held by no job, or not known.",
    (*SCHEDULER_LABELS, "node", "user", "account", "partition"),
)


def share_text(
    scheduler: tuple[str, str], shares: Mapping[str, NodeShares], exclude: str | None
) -> bytes:
    """Write the shares of nodes, by the name of each target."""
    if is_excluded(SHARES, exclude):
        return b""
    head = f"{SHARES.name}{labels(zip(SCHEDULER_LABELS, scheduler, strict=True))[:-1]}"
    lines = []
    for target, of_node in shares.items():
        before = f'{head},node="{escaped(target)}"'
        lines += [
            f"{before},{_holder(share.user, share.account, share.partition)}}} {share.ratio!r}\n"
            for share in of_node
        ]
    return "".join(lines).encode()


@lru_cache(4096)
def _holder(user: str, account: str, partition: str) -> str:
    pairs = (("user", user), ("account", account), ("partition", partition))
    return labels(pairs)[1:-1]
