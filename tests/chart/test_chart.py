"""The chart's metadata, and its notes for users."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from rackwatt_crds import __version__
from rackwatt_crds.crd import DEFINITIONS
from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import resolve_fleet
from scripts.tools import directory
from tests.chart.rendering import CHART, plain

ROOT = CHART.parents[1]
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())


def helm(*arguments: str) -> str:
    done = subprocess.run([directory() / "helm", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def notes(*flags: str) -> str:
    output = helm(
        "install", "rackwatt", str(CHART), "--dry-run=client", "--namespace=power", *flags
    )
    return output.partition("NOTES:")[2]


def annotation(name: str) -> Any:
    return yaml.safe_load(ABOUT["annotations"][f"artifacthub.io/{name}"])


def test_it_is_lint_free() -> None:
    assert "1 chart(s) linted, 0 chart(s) failed" in helm("lint", "--strict", str(CHART))


def test_its_version_is_the_projects() -> None:
    assert ABOUT["version"] == ABOUT["appVersion"] == __version__


def test_the_annotations_for_artifact_hub_are_correct() -> None:
    rendered_images = {plain().container["image"], f"rackwatt/collector:{__version__}"}
    assert {one["image"] for one in annotation("images")} == rendered_images
    assert [(one["kind"], one["name"]) for one in annotation("crds")] == [
        (one.kind, one.name) for one in DEFINITIONS
    ]
    examples = yaml.safe_dump_all(annotation("crdsExamples"))
    assert resolve_fleet(load(examples.encode(), "examples")).problems == ()


def test_the_schema_has_every_value_and_what_a_parent_chart_adds() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(values) | {"enabled"} == set(schema["properties"])


def test_the_read_me_describes_every_value_once() -> None:
    rows = re.findall(r"^\| `(\S+)` \| `(.*?)` \| (.+) \|$", values_page(), re.MULTILINE)
    described = {path: yaml.safe_load(default) for path, default, _ in rows}
    assert len(described) == len(rows)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for path, default in described.items():
        *above, key = path.split(".")
        parent = values
        for step in above:
            parent = parent[step]
        assert parent.pop(key) == default, path
    assert not any(leaves(values)), "a value is not described"


def values_page() -> str:
    return (CHART / "README.md").read_text().partition("## Values")[2].partition("\n## ")[0]


def leaves(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield key


def test_the_schema_of_its_values_refuses_unknown_keys_at_every_depth() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    open_to_all = {"global"}

    def walk(part: Any, name: str) -> None:
        if isinstance(part, list):
            for item in part:
                walk(item, name)
        elif isinstance(part, dict):
            if part.get("type") == "object" and name not in open_to_all:
                assert "additionalProperties" in part, name
            for key, inner in part.items():
                walk(inner, name if key in {"items"} else key)

    walk(schema, "")


@pytest.mark.parametrize(
    ("flags", "present", "absent"),
    [
        ((), "all namespaces.", "monitoring.labels"),
        (("--set=watchNamespaces={a,b}",), "the resources of a, b.", "all namespaces"),
    ],
    ids=["all namespaces", "some"],
)
def test_the_notes_say_what_to_do_next(flags: tuple[str, ...], present: str, absent: str) -> None:
    text = notes(*flags)
    assert present in text
    assert absent not in text
    assert "kubectl get pt,sb" in text
    assert "no Prometheus Operator" in text


def test_the_document_in_the_notes_has_no_problem() -> None:
    (document,) = re.findall(r"<<END\n(.*?)\n  END", notes(), re.DOTALL)
    built = resolve_fleet(load(document.encode(), "notes"))
    assert built.problems == ()
    assert len(built.targets) == 16


def test_the_page_on_security_lists_every_right_and_no_other() -> None:
    documented: dict[str, set[str]] = {}
    page = (ROOT / "docs/security.md").read_text()
    for what, verbs in re.findall(r"^  \| (`.*?) \| (.*?) \|", page, re.MULTILINE):
        documented |= {one: set(verbs.split(", ")) for one in re.findall(r"`([a-z/]+)`", what)}
    granted: dict[str, set[str]] = {}
    for rules in yaml.safe_load((CHART / "files/rules.yaml").read_text()).values():
        for rule in rules:
            for resource in rule["resources"]:
                granted.setdefault(resource, set()).update(rule["verbs"])
    assert documented == granted
