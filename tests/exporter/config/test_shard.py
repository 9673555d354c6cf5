from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.shard import WHOLE, Shard, jump_hash, parse_shard
from rackwatt_exporter.config.target import Target
from tests.exporter.running_exporter import power_target

NAMES = [f"10.11.{number // 250}.{number % 250}" for number in range(10_000)]
counts = st.integers(1, 60)


@given(st.text(min_size=1, max_size=60), counts)
def test_every_target_is_taken_by_one_shard_and_only_one(address: str, count: int) -> None:
    target = Target("node", address, "fake", FakeOptions(), "lab")
    takers = [number for number in range(1, count + 1) if Shard(number, count).includes(target)]
    assert len(takers) == 1


@given(st.text(max_size=60), counts)
def test_one_shard_more_moves_a_target_into_it_or_nowhere(key: str, count: int) -> None:
    before, after = jump_hash(key, count), jump_hash(key, count + 1)
    assert after in (before, count)


@pytest.mark.parametrize("count", [2, 3, 10, 37])
def test_one_shard_more_moves_no_more_targets_than_it_needs(count: int) -> None:
    moved = sum(jump_hash(name, count) != jump_hash(name, count + 1) for name in NAMES)
    assert moved == pytest.approx(len(NAMES) / (count + 1), rel=0.15)


@pytest.mark.parametrize("count", [2, 4, 10, 20])
def test_shards_are_of_the_same_size(count: int) -> None:
    sizes = Counter(jump_hash(name, count) for name in NAMES)
    assert len(sizes) == count
    assert all(size == pytest.approx(len(NAMES) / count, rel=0.15) for size in sizes.values())


def test_a_target_stays_where_it_is_from_one_version_to_the_next() -> None:
    assert [jump_hash(name, 10) for name in NAMES[:12]] == [1, 4, 9, 2, 4, 8, 5, 3, 5, 3, 1, 9]


def test_nodes_behind_one_bmc_stay_together_with_their_session() -> None:
    pair = [Target(node, "10.0.0.1", "redfish", FakeOptions(), "lab") for node in ("a", "b")]
    for number in range(1, 8):
        assert len({Shard(number, 7).includes(target) for target in pair}) == 1


def test_a_part_has_every_binding_and_every_problem_of_the_whole() -> None:
    hosts = '[{names: "n[1-40]"}, {names: n1}, {names: a, method: ipmi, addresses: b, x: 1}]'
    binding = (
        "---\napiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\n"
        "metadata: {name: prod}\nspec: {cluster: prod, noop: {}}\n"
    )
    whole = resolve_fleet(load((power_target(hosts) + binding).encode(), "lab.yaml"))
    parts = [Shard(number, 3).select(whole) for number in (1, 2, 3)]
    assert len(whole.problems) == 2
    assert all(part.problems == whole.problems for part in parts)
    assert all(part.schedulers == whole.schedulers for part in parts)
    assert sorted(node for part in parts for node in part.targets) == sorted(whole.targets)
    assert all(len(part.targets) > 5 for part in parts)
    assert WHOLE.select(whole) is whole


def test_a_shard_is_read_as_it_is_written() -> None:
    assert parse_shard("2/4") == Shard(2, 4)
    assert str(parse_shard("2/4")) == "2/4"


@pytest.mark.parametrize(
    "text", ["", "2", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/2", "1/1001", "²/4"]
)
def test_an_invalid_shard_is_rejected_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2/4"):
        parse_shard(text)
