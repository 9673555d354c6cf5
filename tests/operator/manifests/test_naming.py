import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.manifests import naming

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", fullmatch=True)
KINDS = st.sampled_from(["PowerTarget", "SchedulerBinding"])


def children(kind: str, name: str) -> set[tuple[str, str]]:
    base = naming.base(kind, name)
    named = {("Deployment", naming.shard(base, number)) for number in (0, 1, 9, 10, 99)}
    return named | {("ConfigMap", base), ("ConfigMap", naming.dashboard(base)), ("DaemonSet", base)}


def test_naming_keeps_a_plain_name() -> None:
    assert naming.base("PowerTarget", "lab") == "pt-lab"
    assert naming.base("SchedulerBinding", "slurm-prod") == "sb-slurm-prod"
    assert naming.shard("pt-lab", 2) == "pt-lab-2"
    assert naming.volume("bmc") == "secret-bmc"


@given(KINDS, NAMES)
def test_naming_gives_every_child_a_valid_kubernetes_name(kind: str, name: str) -> None:
    for _, child in children(kind, name):
        assert LABEL.match(child)
    assert len(naming.base(kind, name)) <= naming.LONGEST_BASE
    assert LABEL.match(naming.volume(name))


@given(KINDS, NAMES, KINDS, NAMES)
def test_naming_gives_two_documents_different_children(
    one: str, first: str, other: str, second: str
) -> None:
    if (one, first) != (other, second):
        assert not children(one, first) & children(other, second)


@pytest.mark.parametrize("first", ["x", "a.b", "x-dashboard", "x-0", "n" * 49, "n" * 50, "n" * 253])
def test_naming_avoids_collisions_with_names_chosen_to_collide(first: str) -> None:
    taken = children("PowerTarget", first)
    for _, child in taken:
        second = child.removeprefix("pt-")
        if second != first:
            assert not taken & children("PowerTarget", second)


def test_naming_shortens_a_long_name_to_its_start_and_a_hash_of_the_whole() -> None:
    first, second = "rack." + "n" * 240 + "1", "rack." + "n" * 240 + "2"
    names = {naming.base("PowerTarget", name) for name in (first, second)}
    assert len(names) == 2
    assert all(name.startswith("pt-rack-nnnn") for name in names)
