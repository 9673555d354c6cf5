from pathlib import Path

import pytest

from scripts import decision_index
from scripts.decision_index import FOLDER, decisions


def test_the_index_has_every_decision_once_and_without_gaps() -> None:
    listed = list(decisions())
    assert {one.path for one in listed} == set(FOLDER.glob("*.md")) - {FOLDER / "README.md"}
    assert [one.number for one in listed] == list(range(1, len(listed) + 1))


@pytest.mark.parametrize(
    "text", ["# 2. Title\n\nText.\n", "# 1. Title\n\nStatus: accepted, 2026-11-21\n", "Title\n"]
)
def test_the_index_refuses_a_decision_without_its_number_status_and_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(decision_index, "FOLDER", tmp_path)
    (tmp_path / "0002-title.md").write_text(text)
    with pytest.raises(ValueError, match=r"0002-title.md must start with `# N. Title`"):
        list(decisions())


def test_the_index_has_the_status_of_a_superseded_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_index, "FOLDER", tmp_path)
    text = "# 2. Title\n\nStatus: superseded by [3](0003-other.md), 2026-12-01\n\nText.\n"
    (tmp_path / "0002-title.md").write_text(text)
    row = "| 2 | [Title](0002-title.md) | superseded by [3](0003-other.md) | 2026-12-01 |\n"
    assert row in decision_index.decision_index("")
