import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.config.files import fingerprint, load_documents

GOOD = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: NAME}
spec: {bmc: {method: fake, hosts: [{names: NAME}]}}
"""


def write(path: Path, name: str) -> Path:
    path.write_text(GOOD.replace("NAME", name))
    return path


def test_files_and_folders_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    write(folder / "b.yaml", "b")
    write(folder / "a.yml", "a")
    write(folder / "c.json", "c")
    write(folder / ".hidden.yaml", "hidden")
    (folder / "notes.txt").write_text("nothing")
    single = write(tmp_path / "single.conf", "single")
    assert [one.name for one in load_documents([folder, single])] == ["a", "b", "c", "single"]


def test_a_file_that_is_not_there_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    (one,) = load_documents([tmp_path / "none.yaml"])
    assert "No such file" in str(one.problems[0])
    assert fingerprint([tmp_path / "none.yaml"]) == ()


def test_a_folder_that_has_none_a_link_to_nothing_and_one_closed_to_us_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (none,) = load_documents([tmp_path])
    assert "has no file that ends in .yaml" in none.note
    (tmp_path / "A.YAML").symlink_to("nowhere")
    (broken,) = load_documents([tmp_path])
    assert str(broken.problems[0]) == "cannot be read: No such file or directory"
    monkeypatch.setattr(Path, "iterdir", _closed)
    (closed,) = load_documents([tmp_path])
    assert str(closed.problems[0]) == "cannot be read: Permission denied"
    assert fingerprint([tmp_path]) == ()


def _closed(_: Path) -> Iterator[Path]:
    raise PermissionError(13, "Permission denied")


def test_a_huge_file_is_refused_and_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(2**40)
    (one,) = load_documents([tmp_path])
    assert "more than 4 MiB, the limit of one file: split it" in str(one.problems[0])


def test_a_change_a_new_file_and_a_swapped_link_are_seen(tmp_path: Path) -> None:
    prints = [fingerprint([tmp_path])]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "lab.yaml", "a")
    link = tmp_path / "lab.yaml"
    link.symlink_to("one/lab.yaml")
    prints.append(fingerprint([tmp_path]))
    (tmp_path / "new").symlink_to("two/lab.yaml")
    os.replace(tmp_path / "new", link)
    prints.append(fingerprint([tmp_path]))
    write(link, "other")
    prints.append(fingerprint([tmp_path]))
    assert len(set(prints)) == len(prints)
    assert fingerprint([tmp_path]) == prints[-1]
