"""One mistake of a document hides no other, and none is reported twice."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from rackwatt_crds.loading import load
from rackwatt_crds.validation import semantic_problems
from rackwatt_exporter.config.fleet import resolve_fleet
from rackwatt_operator.__main__ import main
from tests.crds.mistaken import SPECS, documents

RIGHT = {
    "apiVersion": "rackwatt.dev/v1alpha1",
    "kind": "SchedulerBinding",
    "metadata": {"name": "prod"},
    "spec": {"cluster": "prod", "noop": {}},
}


def paths(lines: list[str]) -> list[str]:
    found = [re.search(r" (spec[^:]*): ", line) for line in lines]
    assert all(found), lines
    return sorted(match[1] for match in found if match)


def listed(*documents: Any) -> bytes:
    return "\n---\n".join(map(json.dumps, documents)).encode()


@pytest.mark.parametrize(("kind", "spec"), SPECS)
def test_the_documents_are_right_before_mistakes_are_put_in(kind: str, spec: Any) -> None:
    (one,) = load(listed({**RIGHT, "kind": kind, "spec": spec}), "x")
    assert one.document is not None, one.problems
    assert semantic_problems(one.document) == []


@given(documents())
def test_the_exporter_reports_every_mistake_once(drawn: tuple[Any, list[str]]) -> None:
    raw, expected = drawn
    beside = [] if raw["kind"] == "SchedulerBinding" else [RIGHT]
    built = resolve_fleet(load(listed(raw, *beside), "x"))
    assert paths(list(built.problems)) == expected, built.problems


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents())
def test_the_operator_reports_every_mistake_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], drawn: tuple[Any, list[str]]
) -> None:
    raw, expected = drawn
    file = tmp_path / "d.json"
    file.write_bytes(listed(raw, *([] if raw["kind"] == "SchedulerBinding" else [RIGHT])))
    assert main(["check", str(file)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert paths([line for line in errors if not line.startswith("warning: ")]) == expected
