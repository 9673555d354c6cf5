"""Files of a control group that stay open, within a budget."""

import os
import resource
from pathlib import Path

import pytest

from rackwatt_exporter.units.cgroups.directory import (
    DescriptorBudget,
    GroupDirectory,
    GroupGoneError,
)

NAMES = ("a", "b", "absent")


def opened() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def group(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"{name} 1\n")
    return tmp_path


@pytest.mark.parametrize("allowed", [0, 1, 2, 9])
def test_files_are_read_alike_whatever_may_be_kept_open(group: Path, allowed: int) -> None:
    budget = DescriptorBudget(allowed)
    before = opened()
    directory = GroupDirectory(str(group), budget)
    for value in (b"1", b"2", b"3"):
        for name in ("a", "b"):
            (group / name).write_text(f"{name} {value.decode()}\n")
        problems: list[str] = []
        assert directory.texts(NAMES, problems) == {"a": b"a %s\n" % value, "b": b"b %s\n" % value}
        assert problems == []
        assert opened() - before <= allowed
    directory.close()
    assert (opened(), budget.left) == (before, allowed)


def test_a_file_longer_than_a_page_is_read_whole(group: Path) -> None:
    directory = GroupDirectory(str(group), DescriptorBudget(9))
    for size in (4095, 4096, 4097, 70_000):
        (group / "a").write_bytes(b"x" * size)
        assert len(directory.texts(NAMES, [])["a"]) == size
    directory.close()


def test_a_file_that_appears_later_is_found_after_a_refresh(group: Path) -> None:
    directory = GroupDirectory(str(group), DescriptorBudget(9))
    assert "absent" not in directory.texts(NAMES, [])
    (group / "absent").write_text("now\n")
    assert "absent" not in directory.texts(NAMES, [])
    directory.refresh()
    assert directory.texts(NAMES, [])["absent"] == b"now\n"
    directory.close()


@pytest.mark.parametrize("allowed", [0, 9])
def test_a_group_that_is_gone_is_noticed_and_not_read_as_another(
    tmp_path: Path, allowed: int
) -> None:
    group = tmp_path / "job_1"
    group.mkdir()
    directory = GroupDirectory(str(group), DescriptorBudget(allowed))
    (tmp_path / "else").mkdir()
    group.rename(tmp_path / "kept")
    with pytest.raises(GroupGoneError):
        directory.texts(("a",), [])
    directory.close()


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(group: Path) -> None:
    (group / "b").unlink()
    (group / "b").mkdir()
    directory = GroupDirectory(str(group), DescriptorBudget(9))
    problems: list[str] = []
    assert directory.texts(NAMES, problems) == {"a": b"a 1\n"}
    assert problems == [f"{group}/b: Is a directory"]
    directory.close()


def test_the_budget_leaves_a_quarter_of_what_a_process_may_open() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert DescriptorBudget().left == min(soft * 3 // 4, 32768)
