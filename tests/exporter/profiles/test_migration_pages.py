"""The pages of the migration name every family of the profiles, and each field that they name."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from rackwatt_crds.loading import load
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.profiles.batchjob.view import FAMILIES as BATCHJOB
from rackwatt_exporter.profiles.ceems.view import ceems_0_5, ceems_0_10
from tests.exporter.profiles.ceems.test_view import CORRECTED, CORRECTED_V1
from tests.exporter.profiles.profiled_node import ProfiledNode

DOCS = Path(__file__).parents[3] / "docs"
CEEMS, OTHER = ((DOCS / f"migration/{name}.md").read_text() for name in ("ceems", "batchjob"))
ROW = re.compile(r"^\| `(\w+)` \| (gauge|counter) \|(?: ([\d., ]+) \|)? (.+) \|$", re.MULTILINE)


def rows(page: str) -> dict[str, tuple[str, str, str]]:
    return {name: (kind, version, differs) for name, kind, version, differs in ROW.findall(page)}


def kinds(families: Iterable[MetricFamily]) -> dict[str, str]:
    return {one.name: one.kind for one in families}


def test_the_page_of_ceems_lists_every_family_of_each_version(tmp_path: Path) -> None:
    stores = ProfiledNode(tmp_path).stores
    listed = rows(CEEMS)
    new, old = (kinds(view(stores).all_families) for view in (ceems_0_10, ceems_0_5))
    assert {name: row[0] for name, row in listed.items()} == new
    assert {name for name, row in listed.items() if row[1] == "0.5, 0.10"} == old.keys()


def test_the_page_of_batchjob_lists_every_family() -> None:
    assert {name: row[0] for name, row in rows(OTHER).items()} == kinds(BATCHJOB)


@pytest.mark.parametrize("name", sorted(CORRECTED | CORRECTED_V1))
def test_every_number_that_differs_on_purpose_is_a_row(name: str) -> None:
    listed = rows(CEEMS)
    if name in listed:
        assert listed[name][2] != "–"
    else:
        assert f"| `{name}` |" in CEEMS.partition("## Not served")[2]


@pytest.mark.parametrize("page", [CEEMS, OTHER], ids=["ceems", "batchjob"])
def test_the_documents_and_the_fields_of_the_pages_are_valid(page: str) -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (loaded,) = load(document.encode(), "page")
    assert not loaded.problems
    assert loaded.document is not None
    reference = (DOCS / "documents.md").read_text()
    fields = set(re.findall(r"`spec\.node\.([\w.]+)", page))
    assert fields
    for field in fields:
        assert f"`{field.rpartition('.')[2]}`" in reference, field


def test_each_defect_that_the_page_of_ceems_lists_has_its_tests() -> None:
    listed = re.findall(r"^\| (\d+) \| .* \| (`.*::.*`) \|$", CEEMS, re.MULTILINE)
    assert [int(number) for number, _ in listed] == list(range(1, 24))
    for _, tests in listed:
        for path, name in re.findall(r"`([^`]+)::(\w+)`", tests):
            assert f"def {name}(" in (DOCS.parent / "tests/exporter" / path).read_text()
