"""Shares of nodes: worked out at a poll, and served by the names of the targets."""

from pathlib import Path

from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.pipelines.schedulers import SchedulerPipeline
from rackwatt_exporter.pipelines.shares import SharedNodes
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.node_shares import NodeDivision
from rackwatt_exporter.schedulers.views.shares import SHARES
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.snapshots import snapshot

HELD = Resources(4, gres=())
JOB = Job(
    "1", "running", user="alice", account="phys", partitions=("batch",), allocated=HELD,
    nodes=("n1.cluster.example",), per_node=(HELD,),
)  # fmt: skip
NODE = SchedulerNode("mixed", total=Resources(8, gres=()))
SHARED = NodeDivision(MetricsOptions()).divide(
    SchedulerSnapshot({"n1.cluster.example": NODE, "n9": NODE}, jobs=(JOB,))
)


class Site:
    """A binding whose nodes are matched by their short names, and two targets."""

    def __init__(self, more: str = "") -> None:
        targets = TargetStore(LedgerFile(None))
        targets.sync(
            Target(node, node, "fake", FakeOptions(), "lab", "compute", scheduler="prod")
            for node in ("n1", "n2")
        )
        self.store = NodeStateStore(targets)
        self.store.sync([resolved(f"noop: {{}}, nodeName: short{more}")])
        self.pipeline = SchedulerPipeline(self.store, Secrets(Path()))

    def shares(self) -> list[bytes]:
        (lines,) = [lines for family, lines in self.pipeline.families(0.0) if family is SHARES]
        return lines


def test_shares_are_those_of_targets_by_the_names_that_these_have() -> None:
    site = Site()
    assert site.shares() == []
    site.store.succeeded("prod", SHARED, 0.1)
    (line,) = site.shares()
    assert line == (
        b'rackwatt_node_allocation_ratio{scheduler="prod",cluster="alpha",node="n1",'
        b'user="alice",account="phys",partition="batch"} 0.5\n'
    )


def test_shares_are_written_once_for_a_snapshot_and_withdrawn_with_it() -> None:
    site = Site()
    site.store.succeeded("prod", SHARED, 0.1)
    (first,), (second,) = site.shares(), site.shares()
    assert first is second
    site.store.succeeded("prod", snapshot({"n1": "idle"}), 0.1)
    assert site.shares() == []
    site.store.succeeded("prod", SHARED, 0.1)
    site.store.sync([])
    assert site.pipeline.families(0.0)
    assert site.shares() == []


def test_the_pattern_of_the_document_excludes_shares() -> None:
    site = Site(', metrics: {exclude: "rackwatt_node_.*"}')
    site.store.succeeded("prod", SHARED, 0.1)
    assert site.shares() == []


def test_shares_are_by_what_the_document_says_now() -> None:
    site = Site()

    def shares(snapshot: SchedulerSnapshot) -> list[str]:
        return [share.user for of_node in (snapshot.shares or {}).values() for share in of_node]

    queue = SchedulerSnapshot({"n1.cluster.example": NODE}, jobs=(JOB,))
    kept = SharedNodes(site.store)
    assert shares(kept.divide("prod", queue)) == ["alice"]
    site.store.sync([resolved("noop: {}, metrics: {users: false}")])
    assert shares(kept.divide("prod", queue)) == [""]
    site.store.sync([])
    assert kept.divide("prod", queue) is queue
