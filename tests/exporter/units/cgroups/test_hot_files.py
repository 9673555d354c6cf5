"""Files of a control group that are read together, in all its directories."""

import os
from pathlib import Path

import pytest

from rackwatt_exporter.units.cgroups.directory import (
    DescriptorBudget,
    GroupDirectory,
    GroupGoneError,
)
from rackwatt_exporter.units.cgroups.hot_files import FileTable, HotFiles
from rackwatt_exporter.units.cgroups.parts import FileFields, Parts
from rackwatt_exporter.units.cgroups.stat_files import number, numbers


def pair(text: bytes) -> tuple[int, int]:
    found = numbers(text)
    return found[b"x"], found[b"y"]


TABLE = FileTable(
    {
        "cpu.stat": FileFields(pair, ("x", "y")),
        "empty": FileFields(number, "empty"),
        "a": FileFields(number, "a"),
        "b": FileFields(number, "b"),
    }
)
FIRST, SECOND = ("cpu.stat", "a"), ("b", "empty")


def write(directory: Path, value: int, *, replaced: bool = False) -> None:
    contents = {
        "one/cpu.stat": f"x {value}\ny {2 * value}\n",
        "one/a": f"{value}\n",
        "two/b": "7\n",
    }
    for name, text in contents.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        target = path.with_suffix(".new") if replaced else path
        target.write_text(text)
        target.rename(path)


def expected(value: int) -> dict[str, int]:
    return {"x": value, "y": 2 * value, "a": value, "b": 7}


def opened(directory: Path, budget: DescriptorBudget) -> tuple[HotFiles, list[GroupDirectory]]:
    files = HotFiles(TABLE)
    both = [GroupDirectory(str(directory / name), budget) for name in ("one", "two")]
    for one, names in zip(both, (FIRST, SECOND), strict=True):
        files.add(one, names)
    return files, both


@pytest.fixture
def group(tmp_path: Path) -> Path:
    write(tmp_path, 1)
    return tmp_path


@pytest.mark.parametrize("allowed", [0, 1, 3, 9])
def test_files_of_all_directories_are_read_whatever_may_be_kept_open(
    group: Path, allowed: int
) -> None:
    budget = DescriptorBudget(allowed)
    files, both = opened(group, budget)
    for value in (1, 2, 3):
        write(group, value)
        parts = Parts()
        assert files.read(parts) == expected(value)
        assert parts.problems == []
    for one in both:
        one.close()
    assert budget.left == allowed


def test_files_that_are_open_are_read_without_a_walk_of_their_paths(
    group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, _ = opened(group, DescriptorBudget(9))
    assert files.read(Parts()) == expected(1)
    write(group, 2)

    def refuse(*arguments: object, **named: object) -> int:
        raise AssertionError(arguments)

    monkeypatch.setattr(os, "open", refuse)
    assert files.read(Parts()) == expected(2)


def test_a_file_in_another_format_costs_its_own_numbers_alone(group: Path) -> None:
    files, _ = opened(group, DescriptorBudget(9))
    assert files.read(Parts()) == expected(1)
    (group / "one/a").write_text("none\n")
    parts = Parts()
    assert files.read(parts) == {"x": 1, "y": 2, "b": 7}
    assert parts.problems == ["a: b'none\\n' is not a number"]
    (group / "one/a").write_text("5\n")
    assert files.read(Parts()) == {"x": 1, "y": 2, "a": 5, "b": 7}


def test_a_file_longer_than_a_page_is_read_whole(group: Path) -> None:
    files, _ = opened(group, DescriptorBudget(9))
    for padding in (4090, 5000, 1):
        (group / "one/cpu.stat").write_text("y 2\nz 1" + "\n" * padding + "x 9\n")
        assert files.read(Parts())["x"] == 9


def test_a_file_that_appears_later_is_found_after_a_refresh(group: Path) -> None:
    files, _ = opened(group, DescriptorBudget(9))
    assert "empty" not in files.read(Parts())
    (group / "two/empty").write_text("4\n")
    assert "empty" not in files.read(Parts())
    files.refresh()
    assert files.read(Parts())["empty"] == 4


def test_files_of_a_copy_that_were_replaced_are_opened_again_within_as_many_readings_as_directories(
    group: Path,
) -> None:
    files, _ = opened(group, DescriptorBudget(9))
    for value in (1, 2, 3):
        write(group, value, replaced=True)
        files.read(Parts())
        assert files.read(Parts()) == expected(value)


def test_a_group_that_is_gone_is_noticed(group: Path) -> None:
    files, both = opened(group, DescriptorBudget(0))
    (group / "one").rename(group / "kept")
    with pytest.raises(GroupGoneError):
        files.read(Parts())
    for one in both:
        one.close()
