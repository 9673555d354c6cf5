"""Names of pods by the directories that the kubelet logs to."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.model import UnitInfo
from rackwatt_exporter.units.properties.kubernetes import LOGS, PodNames, parsed
from tests.exporter.collectors.test_rapl import unprivileged
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open

UID = "0b6ab9d5-5d0c-4b1e-9d5c-1b5ad5a1a1c4"
POD = f"kubepods/burstable/pod{UID}"
STATIC = "5d8a6e2f3c1b4a7d9e0f1a2b3c4d5e6f"


def logs(tree: CgroupTree, *directories: str) -> Path:
    """Make directories as the kubelet does; return where."""
    place = tree.procfs.parent / LOGS
    for name in directories:
        (place / name).mkdir(parents=True)
    return place


def aged(place: Path) -> None:
    """Let the last change of a directory be an hour ago."""
    an_hour_ago = place.stat().st_mtime - 3600
    os.utime(place, (an_hour_ago, an_hour_ago))


@pytest.mark.parametrize("version", [1, 2])
async def test_a_pod_has_its_name_and_namespace(
    tmp_path: Path, units_of: Open, version: int
) -> None:
    tree = CgroupTree(tmp_path, version)
    logs(tree, f"team-a_web-7d9f.v2_{UID}", f"kube-system_etcd-n1_{STATIC}", "team-b_web_ffff")
    tree.group(POD, Use())
    tree.group(f"kubepods.slice/kubepods-pod{STATIC}.slice", Use())
    result = await units_of(tree, "kubernetes").read()
    assert result.error is None
    assert {unit.info for unit in result.units} == {
        UnitInfo(uuid=UID, name="web-7d9f.v2", namespace="team-a"),
        UnitInfo(uuid=STATIC, name="etcd-n1", namespace="kube-system"),
    }


async def test_a_pod_is_named_as_soon_as_its_directory_is_there(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    aged(logs(tree, "team-b_other_ffff"))
    tree.group(POD, Use())
    source = units_of(tree, "kubernetes")
    result = await source.read()
    assert [unit.info for unit in result.units] == [UnitInfo(uuid=UID)]
    assert result.error is None
    logs(tree, f"team-a_web_{UID}")
    (unit,) = (await source.read()).units
    assert unit.info == UnitInfo(uuid=UID, name="web", namespace="team-a")


async def test_a_pod_keeps_its_name_after_its_logs(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    place = logs(tree, f"team-a_web_{UID}")
    tree.group(POD, Use())
    source = units_of(tree, "kubernetes")
    await source.read()
    (place / f"team-a_web_{UID}").rmdir()
    tree.remove(POD)
    (ended,) = (await source.read()).ended
    assert ended.info == UnitInfo(uuid=UID, name="web", namespace="team-a")


def test_directories_made_in_one_tick_of_the_clock_are_all_found(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    place = logs(tree, "a_one_1")
    made = place.stat()
    names = PodNames(tmp_path)
    assert names.info("1").name == "one"
    logs(tree, "a_two_2")
    os.utime(place, ns=(made.st_atime_ns, made.st_mtime_ns))
    assert names.info("2").name == "two"


def test_directories_that_are_as_before_are_not_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(logs(CgroupTree(tmp_path), "a_one_1"))
    names = PodNames(tmp_path)
    assert names.info("1").name == "one"
    monkeypatch.delattr(os, "listdir")
    assert names.info("2") == UnitInfo(uuid="2")


async def test_pods_are_measured_where_their_names_are_absent(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(POD, Use(user_us=4_000_000))
    source = units_of(tree, "kubernetes")
    result = await source.read()
    (unit,) = result.units
    assert (unit.user_s, unit.info) == (4.0, UnitInfo(uuid=UID))
    assert result.error is not None
    assert result.error.reason is Reason.ABSENT
    assert LOGS in str(result.error)
    logs(tree, f"team-a_web_{UID}")
    result = await source.read()
    assert result.error is None
    assert result.units[0].info.name == "web"


def test_names_that_only_root_may_list_are_a_reason(tmp_path: Path) -> None:
    logs(CgroupTree(tmp_path), f"team-a_web_{UID}").chmod(0o750 if os.geteuid() == 0 else 0)
    with unprivileged(), pytest.raises(ReadError, match="for root alone") as raised:
        PodNames(tmp_path).info(UID)
    assert raised.value.reason is Reason.PERMISSION_DENIED


@pytest.mark.parametrize(
    "name", ["", UID, f"web_{UID}", f"a_b_c_{UID}", f"A_b_{UID}", "a_b_", f"a_b\n_{UID}"]
)
def test_what_else_is_there_is_no_pod(name: str) -> None:
    assert parsed(name) is None


LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)


@given(LABEL, NAME, st.uuids().map(str))
def test_every_pod_is_found_in_its_directory(namespace: str, name: str, uid: str) -> None:
    info = UnitInfo(uuid=uid, name=name, namespace=namespace)
    assert parsed(f"{namespace}_{name}_{uid}") == (uid, info)


@given(st.text(max_size=300))
def test_no_name_of_a_directory_is_an_error(name: str) -> None:
    found = parsed(name)
    assert found is None or f"{found[1].namespace}_{found[1].name}_{found[0]}" == name
