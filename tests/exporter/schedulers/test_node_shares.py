"""Shares of nodes: worked out by hand, and as properties of any snapshot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import MAX_SHARES, NodeShare, SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.node_shares import NodeDivision
from tests.exporter.schedulers.model.strategies import SNAPSHOTS

EVERY = MetricsOptions()


def held(cpus: int, gpus: int = 0) -> Resources:
    return Resources(cpus, gres=(Gres("gpu", gpus),) if gpus else ())


def job(user: str, *parts: Resources, account: str = "phys", nodes: tuple[str, ...] = ()) -> Job:
    """Make a job on n1, n2 and so on."""
    names = nodes or tuple(f"n{number}" for number in range(1, len(parts) + 1))
    return Job(
        user, "running", user=user, account=account, partitions=("batch",), allocated=parts[0],
        nodes=names, per_node=parts,
    )  # fmt: skip


JOBS = (
    job("alice", held(2)),
    job("bob", held(4), nodes=("n2",)),
    job("carol", held(1), nodes=("n2",)),
    job("dave", held(3), held(2)),
)


def shares(
    total: Resources | None, *jobs: Job, options: MetricsOptions = EVERY
) -> tuple[NodeShare, ...]:
    """Return the shares of n1."""
    snapshot = SchedulerSnapshot({"n1": SchedulerNode("mixed", total=total)}, jobs=jobs)
    return (NodeDivision(options).divide(snapshot).shares or {}).get("n1", ())


def ratios(*made: NodeShare) -> dict[str, float]:
    return {share.user: share.ratio for share in made}


def test_a_node_without_gpus_is_divided_by_its_cpus() -> None:
    made = shares(held(8), job("alice", held(2)), job("bob", held(4)))
    assert made == (
        NodeShare(0.5, "bob", "phys", "batch"), NodeShare(0.25, "alice", "phys", "batch"),
    )  # fmt: skip


def test_a_gpu_counts_for_as_many_cpus_as_the_document_says() -> None:
    jobs = job("alice", held(16, 0)), job("bob", held(8, 2))
    assert ratios(*shares(held(32, 2), *jobs, options=MetricsOptions(gpu_weight=16))) == {
        "alice": 16 / 64, "bob": (8 + 2 * 16) / 64,
    }  # fmt: skip
    assert ratios(*shares(held(32, 2), *jobs, options=MetricsOptions(gpu_weight=0))) == {
        "alice": 0.5, "bob": 0.25,
    }  # fmt: skip


def test_jobs_of_one_holder_are_one_share() -> None:
    assert ratios(*shares(held(8), job("alice", held(2)), job("alice", held(3)))) == {
        "alice": 5 / 8
    }


def test_a_job_on_two_nodes_has_its_part_of_each() -> None:
    nodes = {name: SchedulerNode("mixed", total=held(8)) for name in ("n1", "n2", "n3")}
    snapshot = SchedulerSnapshot(nodes, jobs=(job("alice", held(6), held(2)),))
    made = NodeDivision(EVERY).divide(snapshot).shares or {}
    assert {name: ratios(*made[name]) for name in made} == {
        "n1": {"alice": 0.75}, "n2": {"alice": 0.25},
    }  # fmt: skip


def test_a_node_that_is_allocated_several_times_over_is_whole() -> None:
    made = shares(held(8, 1), job("alice", held(12, 1)), job("bob", held(4, 1)))
    assert sum(ratios(*made).values()) == pytest.approx(1)
    assert ratios(*made)["alice"] == pytest.approx((8 * 12 / 16 + 64 / 2) / (8 + 64))


def test_what_is_not_known_of_a_job_is_in_no_share() -> None:
    no_gpus_known = job("alice", Resources(4))
    assert ratios(*shares(held(8, 1), no_gpus_known)) == {"alice": pytest.approx(4 / 72)}
    assert shares(held(8), job("alice", Resources(None))) == ()
    total_alone = Job("1", "running", user="alice", allocated=held(4), nodes=("n1", "n2"))
    assert shares(held(8), total_alone) == ()


@pytest.mark.parametrize("total", [None, Resources(None), Resources(0)])
def test_a_node_whose_cpus_are_not_known_has_no_share(total: Resources | None) -> None:
    assert shares(total, job("alice", held(4))) == ()


def test_a_node_that_the_scheduler_does_not_list_costs_no_other_its_share() -> None:
    made = shares(held(8), job("alice", held(4), held(4), nodes=("gone", "n1")))
    assert ratios(*made) == {"alice": 0.5}


def test_shares_are_by_what_metrics_are_wanted_of() -> None:
    jobs = job("alice", held(2)), job("alice", held(2), account="bio"), job("bob", held(2))
    made = shares(held(8), *jobs, options=MetricsOptions(users=False, partitions=False))
    assert made == (NodeShare(0.5, account="phys"), NodeShare(0.25, account="bio"))
    none = MetricsOptions(users=False, accounts=False, partitions=False)
    assert shares(held(8), *jobs, options=none) == ()


def test_a_job_without_user_account_and_partition_is_in_no_share() -> None:
    nobodys = Job("1", "running", allocated=held(4), nodes=("n1",), per_node=(held(4),))
    assert shares(held(8), nobodys) == ()


def test_the_largest_of_too_many_shares_are_kept() -> None:
    jobs = [job(f"u{number:03}", held(1 + number % 3)) for number in range(3 * MAX_SHARES)]
    made = shares(held(1000), *jobs)
    assert len(made) == MAX_SHARES
    assert {share.ratio for share in made} == {3 / 1000}


@given(st.lists(st.lists(st.sampled_from(JOBS), unique=True), min_size=2, max_size=4))
def test_shares_are_those_of_the_last_snapshot_whatever_was_before(queue: list[list[Job]]) -> None:
    division = NodeDivision(EVERY)
    for number, jobs in enumerate(queue):
        nodes = {name: SchedulerNode("mixed", total=held(8 + number % 2)) for name in ("n1", "n2")}
        snapshot = SchedulerSnapshot(nodes, jobs=tuple(jobs))
        assert division.divide(snapshot) == NodeDivision(EVERY).divide(snapshot)


def test_shares_of_nodes_whose_jobs_stay_are_kept() -> None:
    nodes = {name: SchedulerNode("mixed", total=held(8)) for name in ("n1", "n2")}
    first, second, third = JOBS[:3]
    division = NodeDivision(EVERY)
    before = division.divide(SchedulerSnapshot(nodes, jobs=(first, second))).shares or {}
    after = division.divide(SchedulerSnapshot(nodes, jobs=(first, third))).shares or {}
    assert before["n1"] is after["n1"]
    assert before["n2"] != after["n2"]


def test_nodes_have_no_shares_where_jobs_are_not_known() -> None:
    unknown = SchedulerSnapshot({"n1": SchedulerNode("mixed", total=held(8))})
    assert NodeDivision(EVERY).divide(unknown) is unknown
    assert NodeDivision(EVERY).divide(replace(unknown, jobs=())).shares == {}


@given(SNAPSHOTS)
def test_of_any_snapshot_no_node_is_shared_more_than_once(snapshot: SchedulerSnapshot) -> None:
    made = NodeDivision(EVERY).divide(replace(snapshot, shares=None))
    assert replace(made, shares=snapshot.shares) == snapshot
    shares = made.shares or {}
    assert shares.keys() <= snapshot.nodes.keys()
    for of_node in shares.values():
        assert sum(share.ratio for share in of_node) <= 1 + 1e-9
        assert all(0 < share.ratio <= 1 for share in of_node)


@given(st.lists(st.tuples(st.integers(0, 64), st.integers(0, 8)), max_size=20))
def test_shares_add_up_to_what_is_allocated(parts: list[tuple[int, int]]) -> None:
    jobs = [job(f"u{number}", held(*part)) for number, part in enumerate(parts)]
    cpus, gpus = sum(part[0] for part in parts), sum(part[1] for part in parts)
    made = shares(held(64, 8), *jobs)
    expected = (min(64, cpus) + 64 * min(8, gpus)) / (64 + 64 * 8)
    assert sum(share.ratio for share in made) == pytest.approx(expected)
