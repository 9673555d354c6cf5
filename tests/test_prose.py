"""The lint of words: it reads names as prose, and leaves other words alone."""

import pytest

from scripts import prose


def words(text: str) -> list[str]:
    return [finding.word for finding in prose.findings("module.py", text)]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("told = 1", "told"),
        ("def what_is_told(self): ...", "told"),
        ("class NotTold: ...", "Told"),
        ("_TOLD_ONCE = 1", "TOLD"),
        ('"one\\ntold two"', "told"),
        ("Nobody knows.", "Nobody"),
        ("It tells which one.", "tells"),
        ("def let_go(self): ...", "let_go"),
        ("the tile lets it go", "lets it go"),
        ("# after a\n# while, again", "a # while"),
        ("watches that have begun", "begun"),
        ("It can be mended.", "mended"),
        ("polls by and by", "by and by"),
        ("the name it must bear", "bear"),
    ],
)
def test_a_word_is_found_in_prose_and_inside_names(text: str, word: str) -> None:
    assert words(text) == [word]


@pytest.mark.parametrize(
    "text",
    [
        "intelligent, untold, retell, foretold",
        "recommend, amend, recommended",
        "Authorization: Bearer; bearer_token; BearerToken; bearing",
        "standstill, stand-in, standard",
        "file.tell()",
        "RMCP+ stands for Remote Management Control Protocol",
        "while True: lets = go_on",
        "a whiled",
        "an ewe",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert words(text) == []


def test_findings_are_in_the_order_of_lines_and_name_the_better_word() -> None:
    found = prose.findings("docs/page.md", "# Page\n\nA user is asked.\nnobody\nanew\n")
    assert [finding.line for finding in found] == [3, 4, 5]
    assert str(found[0]) == "docs/page.md:3: 'asked': write polled, requested, read"


@pytest.mark.parametrize("listed", prose.EXCLUDED)
def test_a_listed_path_exists(listed: str) -> None:
    assert (prose.ROOT / listed).exists(), f"remove {listed} from scripts/prose.py"


def test_allowed_phrases_hide_nothing_else() -> None:
    assert words("file.tell()  # tell the position") == ["tell"]


def test_main_prints_findings_outside_of_what_is_excluded_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [("LICENSE", "anew"), ("old/a.py", "anew"), ("new/b.py", "\nanew"), ("c.md", "again")]
    monkeypatch.setattr(prose, "_texts", lambda: iter(texts))
    monkeypatch.setattr("sys.argv", ["prose"])
    assert prose.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["old/a.py:1", "new/b.py:2"]
    monkeypatch.setattr("sys.argv", ["prose", "old/"])
    assert prose.main() == 1
    assert capsys.readouterr().out.startswith("old/a.py:1: 'anew'")
    monkeypatch.setattr("sys.argv", ["prose", "c.md"])
    assert prose.main() == 0
