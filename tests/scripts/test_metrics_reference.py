import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts import metrics_reference
from scripts.metrics_reference import ROWS, Definition, definitions, subjects
from tests.peers.prometheus import tool

DEFINITIONS = definitions()
ROW_OF = {name: row for subject in subjects() for name, row in subject.families.items()}
OF_A_SCRAPE = {"job", "instance"}
_SELECTOR = re.compile(
    r"\b((?:rackwatt|slurm|cluster|node|process|python|probe)_[a-z0-9_]+)(?:\{([^}]*)\})?"
)
_MATCHER = re.compile(r'(\w+)(=|!=|=~|!~)"([^"]*)"')
_GOT = re.compile(r'expr: ("(?:[^"\\]|\\.)*"), time: \S+\s+exp: nil\s+got: \S')
_GROUPING = re.compile(r"\b(?:by|on|ignoring|group_left) \(([^)]*)\)")


def family_of(name: str) -> Definition | None:
    return DEFINITIONS.get(name) or DEFINITIONS.get(re.sub(r"_(bucket|count|sum)$", "", name))


def selectors(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Go through the selectors of a query, each with values that its matchers let pass."""
    for name, matchers in _SELECTOR.findall(query):
        found = _MATCHER.findall(matchers)
        yield name, {k: v.split("|")[0] if op[0] == "=" else f"not {v}" for k, op, v in found}


def test_every_family_is_on_the_page_once() -> None:
    page = metrics_reference.metrics_reference("")
    for name, one in DEFINITIONS.items():
        assert page.count(f"| `{name}` | {one.kind} | {one.unit} |") == 1
        assert one.help in page
        assert ROW_OF[name].query in page


@pytest.mark.parametrize("name", ROW_OF)
def test_an_example_query_names_its_family_and_labels_that_exist(name: str) -> None:
    query = ROW_OF[name].query
    named = {one: family_of(one) for one, _ in selectors(query)}
    assert DEFINITIONS[name] in named.values()
    assert None not in named.values(), f"no such family: {named}"
    labels = OF_A_SCRAPE | {"le"} | {label for one in named.values() if one for label in one.labels}
    matched = {label for _, matchers in selectors(query) for label in matchers}
    grouped = {label.strip() for part in _GROUPING.findall(query) for label in part.split(",")}
    assert (matched | grouped) - {""} <= labels


def test_every_example_query_has_a_result_in_prometheus(tmp_path: Path) -> None:
    """Each query gets the series that its selectors match; promtool finds a result for each."""
    tests = [
        {
            "interval": "1m",
            "input_series": list(series(row.query)),
            "promql_expr_test": [{"expr": row.query, "eval_time": "30m", "exp_samples": []}],
        }
        for row in ROW_OF.values()
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"tests": tests}))
    done = subprocess.run(
        [tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    with_result = set(map(json.loads, _GOT.findall(done.stdout + done.stderr)))
    assert {row.query for row in ROW_OF.values()} - with_result == set(), done.stderr


def series(query: str) -> Iterator[dict[str, str]]:
    """Write a series for each selector; all rise, the first one above the others."""
    flat = {"== 0": "0x60", "== 1": "1x60"}.get(query[-4:])
    for index, (name, given) in enumerate(selectors(query)):
        family = family_of(name)
        assert family
        labels = dict.fromkeys(family.labels, "x") | given
        if name.endswith("_bucket"):
            labels["le"] = "+Inf"
        text = ",".join(f'{label}="{value}"' for label, value in labels.items())
        rising = "100+60x60" if index else "1000+600x60"
        yield {"series": f"{name}{{{text}}}", "values": flat or rising}


def test_a_family_without_a_row_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "metrics.yaml"
    path.write_text(ROWS.read_text().replace("rackwatt_target_up:", "rackwatt_target_gone:"))
    monkeypatch.setattr(metrics_reference, "ROWS", path)
    with pytest.raises(ValueError, match=r"each family: rackwatt_target_gone, rackwatt_target_up$"):
        metrics_reference.metrics_reference("")
