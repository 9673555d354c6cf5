"""Snapshots as tests make and compare them."""

import re
from collections.abc import Mapping

from rackwatt_exporter.schedulers.model.diagnostics import (
    Backfill,
    Cycles,
    Diagnostics,
    Requests,
)
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.node import NodeShare, NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.peers.slurm import SlurmCluster


def snapshot(states: Mapping[str, str], version: str = "", note: str = "") -> SchedulerSnapshot:
    """Make a snapshot of nodes whose states are all that is known."""
    nodes = {name: SchedulerNode(state) for name, state in states.items()}
    return SchedulerSnapshot(nodes, version=version, note=note)


def full_snapshot(
    states: Mapping[str, str], jobs: tuple[Job, ...] | None = None
) -> SchedulerSnapshot:
    """Make a snapshot of which every family of a scheduler is made."""
    held = Resources(8, 2**30, (Gres("gpu", 2, "h100"),))
    details: dict[str, object] = {
        "reason": "bad dimm",
        "reason_at_s": 1795220732,
        "total": held,
        "allocated": held,
    }
    details |= {"partitions": ("gpu",), "weight": 10, "features": ("zen4",)}
    nodes = {name: SchedulerNode(state, **details) for name, state in states.items()}  # type: ignore[arg-type]
    made = (
        Job(
            "1",
            "running",
            user="alice",
            account="phys",
            partitions=("gpu",),
            allocated=held,
            features=("zen4",),
            submitted_at_s=100,
            started_at_s=200,
        ),
        Job("3", "failed", partitions=("gpu",), submitted_at_s=1, started_at_s=2, ended_at_s=3),
        Job("2", "pending", tasks=20, user="alice", partitions=("gpu",), reason="Priority"),
    )
    license = License("matlab", 10, 10, 0, 2, remote=True, last_consumed=9, last_deficit=0)
    return SchedulerSnapshot(
        nodes,
        jobs=made if jobs is None else jobs,
        usage=dict.fromkeys(states, NodeUsage(0.14, 2**30)),
        shares=dict.fromkeys(states, (NodeShare(0.5, "alice", "phys", "gpu"),)),
        licenses=(license,),
        reservations=(Reservation("maint", True, 100, 200, ("n1",), 1, 8, ("root",)),),
        queues=(Queue("gpu", "up", 1, held, 3600, 1),),
        diagnostics=diagnostics(),
        limits=(Limit("phys", "", "", "root", 40, 2**30, 4, held.gres or (), 9, 99, 2, 20),),
        qos_limits=(QosLimit("gold", "user", 40, 2**30, 4, held.gres or (), 9, 99),),
        limit_usage=(LimitUsage("billing_minutes", 9, 10, "phys"),),
        fairshare=(FairShare("phys", "", "", "root", 10, 0.5, 3600.0, 0.25, 0.7, 2.0),),
        user="rackwatt",
        token_issued_at_s=100,
        token_expires_at_s=200,
    )


def diagnostics() -> Diagnostics:
    """Make diagnostics of which every family of a daemon is made."""
    cycles = Cycles(4, 275_000, 300_000, 250_000, 1_000_001, 3, {"end_job_queue": 4})
    return Diagnostics(
        threads=3,
        agents=1,
        agent_threads=3,
        agent_queue=0,
        dbd_agent_queue=0,
        since_s=1795220330,
        jobs={"submitted": 13, "started": 3},
        main=cycles,
        backfill=cycles,
        backfilled=Backfill(2, 0, 3, 3, 5),
        rpcs_by_type=(Requests("REQUEST_JOB_INFO", 6, 900_000, 2003),),
        rpcs_by_user=(Requests("alice", 3, 1_500_000, 1000), Requests("rackwatt", 3, 500_000, 990)),
    )


def states(snapshot: SchedulerSnapshot) -> dict[str, str]:
    """Return the state of each node."""
    return {name: node.state for name, node in snapshot.nodes.items()}


def details(snapshot: SchedulerSnapshot) -> dict[str, object]:
    """Return what readers report beside the state of each node, in no order."""
    return {
        name: (node.base, set(node.flags), set(node.partitions), node.reason)
        for name, node in snapshot.nodes.items()
    }


def details_by_scontrol(cluster: SlurmCluster) -> dict[str, object]:
    """Return the same, as scontrol prints it."""
    expected: dict[str, object] = {}
    for name, fields in cluster.shown().items():
        base, *flags = fields["State"].lower().split("+")
        reason = re.sub(r" \[[^\[\]]*@[^\[\]]*\]\Z", "", fields.get("Reason", ""))
        expected[name] = base, set(flags), set(fields["Partitions"].split(",")), reason
    return expected
