"""Sessions and defaults in the operator's pages: the commands print and accept them as quoted."""

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
def test_docs_quote_sessions_with_their_real_output(
    command: str, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    main(shlex.split(command))
    printed = capsys.readouterr()
    assert printed.out + printed.err == output


def test_docs_quote_at_least_one_session() -> None:
    assert SESSIONS


def test_docs_quote_valid_defaults() -> None:
    (text,) = re.findall(r"```\n(image: .*?)```", PAGE, re.DOTALL)
    parsed, problems = defaults(text)
    assert problems == []
    assert parsed is not None


def test_docs_list_every_kind_that_is_created_and_no_other() -> None:
    table = set(re.findall(r"^\| ([A-Z]\w+)", PAGE, re.MULTILINE))
    cases = (ROOT / "tests/operator/manifests/cases").glob("*.yaml")
    made = {one["kind"] for case in cases for one in planned(case.read_text())}
    assert table == made
