"""Control groups of a manager, found from the root of a hierarchy and looked at again."""

import os
from pathlib import Path
from typing import Any

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.units.cgroups.hierarchies import Hierarchy
from rackwatt_exporter.units.managers.slurm import SlurmLayout
from rackwatt_exporter.units.tree import DISCOVER_S, UnitTree

SCOPE = "system.slice/slurmstepd.scope"


@pytest.fixture
def tree() -> UnitTree:
    return UnitTree(SlurmLayout(HostPaths("n1"), SlurmUnits()))


def v2(root: Path) -> Hierarchy:
    return Hierarchy(str(root), 2, ("cpu",))


def units(tree: UnitTree) -> set[str]:
    return {found.unit for found in tree.look().values()}


def test_directories_of_the_manager_alone_are_listed_at_each_look(
    tmp_path: Path, tree: UnitTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / f"system.slice/service{number}.service/below").mkdir(parents=True)
    (tmp_path / SCOPE / "job_1/step_0/user").mkdir(parents=True)
    tree.discover([v2(tmp_path)], 0.0)
    listed = []
    scandir = os.scandir

    def counted(path: str) -> Any:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    assert units(tree) == {"1"}
    assert listed == [f"{tmp_path}/{SCOPE}"]


def test_a_manager_that_comes_later_is_looked_for_at_once_and_others_seldom(
    tmp_path: Path, tree: UnitTree
) -> None:
    tree.discover([v2(tmp_path)], 0.0)
    assert tree.is_due(0.0)
    (tmp_path / SCOPE).mkdir(parents=True)
    tree.discover([v2(tmp_path)], 1.0)
    assert not tree.is_due(1.0 + DISCOVER_S / 2)
    assert tree.is_due(1.0 + DISCOVER_S)
    (tmp_path / "system.slice/n2_slurmstepd.scope/job_5").mkdir(parents=True)
    tree.discover([v2(tmp_path)], 40.0)
    assert units(tree) == {"n2/5"}


def test_a_directory_that_cannot_be_listed_costs_no_unit_elsewhere(
    tmp_path: Path, tree: UnitTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user, job in ((1, 7), (2, 8)):
        (tmp_path / f"slurm/uid_{user}/job_{job}").mkdir(parents=True)
    tree.discover([Hierarchy(str(tmp_path), 1, ("cpuacct",))], 0.0)
    assert units(tree) == {"7", "8"}
    scandir = os.scandir

    def refused(path: str) -> Any:
        if path.endswith("uid_2"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    (tmp_path / "slurm/uid_1/job_9").mkdir()
    assert units(tree) == {"7", "8", "9"}
    assert tree.unreadable == {f"{tmp_path}/slurm/uid_2": "Permission denied"}


def test_the_hierarchy_that_has_the_manager_is_taken(tmp_path: Path, tree: UnitTree) -> None:
    mounted = [Hierarchy(str(tmp_path / name), 1, (name,)) for name in ("cpuacct", "freezer")]
    (tmp_path / "cpuacct").mkdir()
    (tmp_path / "freezer/slurm_n1/uid_5/job_7").mkdir(parents=True)
    tree.discover(mounted, 0.0)
    assert units(tree) == {"7"}
    assert [Path(one).parts[-1] for one in tree.directories] == ["slurm_n1", "uid_5"]


def test_a_manager_that_goes_leaves_no_unit(tmp_path: Path, tree: UnitTree) -> None:
    job = tmp_path / SCOPE / "job_1"
    job.mkdir(parents=True)
    tree.discover([v2(tmp_path)], 0.0)
    assert units(tree) == {"1"}
    job.rmdir()
    job.parent.rmdir()
    assert units(tree) == set()
    assert tree.unreadable == {}


def test_units_are_not_gone_where_their_directories_cannot_be_found_for_once(
    tmp_path: Path, tree: UnitTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SCOPE / "job_1").mkdir(parents=True)
    tree.discover([v2(tmp_path)], 0.0)
    assert units(tree) == {"1"}
    scandir = os.scandir

    def failing(path: str) -> Any:
        if path == f"{tmp_path}/":
            raise OSError(24, "Too many open files")
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", failing)
        tree.discover([v2(tmp_path)], DISCOVER_S)
    assert units(tree) == {"1"}
    assert tree.unreadable == {f"{tmp_path}/": "Too many open files"}
    tree.discover([v2(tmp_path)], 2 * DISCOVER_S)
    assert (units(tree), tree.unreadable) == ({"1"}, {})
