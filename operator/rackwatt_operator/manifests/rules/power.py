"""Records of power by what runs: by user, account and partition, and by the state of nodes.

A node's power is divided by the shares that its scheduler's jobs hold of it. What is in no share is
a series of its own, without a user. It is the rest of the whole that is recorded by state, whatever
the shares are: so the series of a cluster by users, accounts, partitions and states have one sum.
A rule reads what those before it in the group have recorded at the same time.
"""

from collections.abc import Callable, Iterator

from rackwatt_operator.manifests.promql import JOB
from rackwatt_operator.manifests.rules.rule import Record

NAME = "rackwatt_scheduler_power_watts"
HOLDERS = ("user", "account", "partition")

_BY_STATE = 'by="state"'
_CLUSTER = f"{JOB}, cluster"

Select = Callable[..., str]
"""Selects a family, by further matchers too: of one document's machines, or of all."""


def power_records(select: Select) -> Iterator[Record]:
    """Record the power of each cluster by what runs on its nodes."""
    state = f"topk by ({_CLUSTER}, node) (1, {select('rackwatt_node_state')})"
    yield Record(NAME, f"sum by ({_CLUSTER}, state) ({_watts(state, select)})", {"by": "state"})
    for holder in HOLDERS:
        by, none = {"by": holder}, {holder: ""}
        yield Record(NAME, _held(select, holder), by)
        yield Record(NAME, _rest(select, holder), by | none)


def _held(select: Select, holder: str) -> str:
    """Ask for what the jobs of each holder use."""
    ratio = select("rackwatt_node_allocation_ratio", f'{holder}!=""')
    shares = f"max by ({_CLUSTER}, node, {', '.join(HOLDERS)}) ({ratio})"
    return f"sum by ({_CLUSTER}, {holder}) ({_watts(shares, select)})"


def _rest(select: Select, holder: str) -> str:
    """Ask for what is left of the power of all nodes: all of it where no holder has a share."""
    held = select(NAME, f'by="{holder}"', f'{holder}!=""')
    whole = f"sum by ({_CLUSTER}) ({select(NAME, _BY_STATE)})"
    return f"{whole} - (sum by ({_CLUSTER}) ({held}) or {whole} * 0)"


def _watts(series: str, select: Select) -> str:
    """Multiply series of nodes by the power of each."""
    # A target that moves to another shard may have two series for some minutes.
    power = f"max by ({JOB}, node) ({select('rackwatt_node_power_watts')})"
    return f"{series} * on ({JOB}, node) group_left () {power}"
