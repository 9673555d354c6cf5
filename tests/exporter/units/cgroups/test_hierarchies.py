"""Which hierarchies a machine has, by how its control groups are mounted."""

from pathlib import Path

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.cgroups.hierarchies import hierarchies


def mount(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_version_2_is_one_hierarchy_of_all_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    mount(tmp_path, "memory", "system.slice")
    assert hierarchies(tmp_path) == ((str(tmp_path), 2, ("cpu", "memory")),)


@pytest.mark.parametrize("together", ["cpu,cpuacct", "cpuacct,cpu"])
def test_controllers_that_share_a_hierarchy_are_one(tmp_path: Path, together: str) -> None:
    mount(tmp_path, together, "memory", "systemd", "net_cls,net_prio")
    (tmp_path / "cpu").symlink_to(together)
    (tmp_path / "cpuacct").symlink_to(together)
    found = hierarchies(tmp_path)
    assert [(Path(one.root).name, one.version) for one in found] == [(together, 1), ("memory", 1)]
    assert set(found[0].controllers) == {"cpu", "cpuacct"}


def test_a_hybrid_machine_has_both_and_version_1_first(tmp_path: Path) -> None:
    mount(tmp_path, "freezer", "cpuacct", "unified")
    (tmp_path / "unified/cgroup.controllers").write_text("io\n")
    found = hierarchies(tmp_path)
    assert [Path(one.root).name for one in found] == ["cpuacct", "freezer", "unified"]
    assert found[-1].controllers == ("io",)


def test_this_machine_has_some() -> None:
    assert hierarchies(Path("/sys/fs/cgroup"))


@pytest.mark.parametrize("make", [lambda root: None, lambda root: mount(root, "systemd")])
def test_no_hierarchy_is_absent(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path)
    with pytest.raises(ReadError, match=r"--path\.cgroupfs") as caught:
        hierarchies(tmp_path)
    assert caught.value.reason is Reason.ABSENT
