"""Sessions and defaults that the operator's pages quote are what the commands print and accept."""

import re
import shlex
from pathlib import Path

import pytest

from rackwatt_operator.__main__ import main
from rackwatt_operator.manifests.defaults import defaults
from tests.operator.manifests.builders import planned

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/operator.md").read_text()
COMMANDS = (ROOT / "docs/operator-commands.md").read_text()
SESSIONS = re.findall(r"```console\n\$ rackwatt-operator ([^\n]*)\n(.*?)```", COMMANDS, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), SESSIONS)
def test_a_quoted_session_is_what_is_said(
    command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    main(shlex.split(command))
    said = capsys.readouterr()
    assert said.out + said.err == output


def test_there_is_a_session() -> None:
    assert SESSIONS


def test_the_quoted_defaults_are_defaults() -> None:
    (text,) = re.findall(r"```\n(image: .*?)```", PAGE, re.DOTALL)
    found, problems = defaults(text)
    assert problems == []
    assert found is not None


def test_every_kind_that_is_made_is_in_the_table_and_no_other() -> None:
    table = set(re.findall(r"^\| ([A-Z]\w+)", PAGE, re.MULTILINE))
    cases = (ROOT / "tests/operator/manifests/cases").glob("*.yaml")
    made = {one["kind"] for case in cases for one in planned(case.read_text())}
    assert table == made
