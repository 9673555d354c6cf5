"""Families of prometheus-cluster-exporter, beside its own page of the same jobs and file system."""

import re
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rackwatt_crds.lustre import Lustre
from rackwatt_exporter.config.lustre import LustreOptions
from rackwatt_exporter.lustre.families import FAMILIES, SCRAPE_OK, STAGE_SECONDS, samples
from rackwatt_exporter.schedulers.views.render import render
from tests.exporter.lustre.captured import DATA, reading

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/migration/cluster-exporter.md").read_text()
OF_ANY_PROGRAM = ("go_", "process_", "promhttp_")
NAMES = {family.name for family in FAMILIES if family.name.startswith("cluster_")}
FLAGS = {"-promserver", "-port", "-timeout", "-timerange", "-log", "-version"}

Series = dict[tuple[tuple[str, str], ...], float]


def theirs() -> dict[str, Series]:
    return {
        metric.name: {tuple(sorted(one.labels.items())): one.value for one in metric.samples}
        for metric in parse_text((DATA / "page.txt").read_text())
        if not metric.name.startswith(OF_ANY_PROGRAM)
    }


def ours() -> dict[str, Series]:
    series: dict[str, Series] = {}
    for family, values, number in samples(reading()):
        labels = zip(family.labels[2:], map(str, values), strict=True)
        series.setdefault(family.name, {})[tuple(sorted(labels))] = number
    return series


def section(title: str) -> dict[str, str]:
    """Return the last cell of each name in a table of the migration guide."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {name: cells[-1].strip() for cells in rows for name in re.findall("`([^`]+)`", cells[0])}


def test_every_series_of_the_old_page_is_served_with_its_value_and_no_other() -> None:
    page, old = ours(), theirs()
    measured = NAMES - {SCRAPE_OK.name, STAGE_SECONDS.name}
    assert len(measured) == 6
    for name in measured:
        assert old[name]
        assert page[name] == pytest.approx(old[name], rel=1e-9)


def test_every_stage_of_the_old_page_has_its_time() -> None:
    assert ours()[STAGE_SECONDS.name].keys() == theirs()[STAGE_SECONDS.name].keys()


def test_the_guide_has_a_row_for_each_family_of_the_old_page_and_for_no_other() -> None:
    assert section("Names").keys() == NAMES == theirs().keys()


def test_what_the_old_page_lost_is_in_families_of_our_own() -> None:
    unmatched = ours()["rackwatt_lustre_unmatched_read_bytes_per_second"]
    lost = sum(unmatched.values())
    assert lost == pytest.approx(204406726.179 + 317491477.15)
    page = ours()
    kept = sum(
        sum(page[f"cluster_{kind}_read_throughput_bytes"].values()) for kind in ("job", "proc")
    )
    assert kept == pytest.approx(
        sum(
            sum(theirs()[f"cluster_{kind}_read_throughput_bytes"].values())
            for kind in ("job", "proc")
        )
    )


def test_the_guide_has_the_field_of_each_flag_and_the_default_of_each_field() -> None:
    rows = section("Flags")
    assert {name for name in rows if name.startswith("-")} == FLAGS
    fields = set(re.findall(r"spec\.lustre\.(\w+)", GUIDE))
    assert fields == set(Lustre.__struct_encode_fields__)
    options = LustreOptions("")
    assert (options.range, options.grace) == ("1m", "5m")
    assert f"`{options.grace}`" in GUIDE


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_page_parses_in_both_formats_with_families_as_declared(openmetrics: bool) -> None:
    rendered = render(("prod", "alpha"), samples(reading()), None)
    text = "".join(
        family.header(openmetrics) + "".join(lines) for family, lines in rendered.items()
    )
    parsed = parse_openmetrics(f"{text}# EOF\n") if openmetrics else parse_text(text)
    found = {one.name: (one.type, frozenset(one.samples[0].labels)) for one in parsed}
    assert found == {
        family.name: ("gauge", frozenset(family.labels))
        for family in FAMILIES
        if family is not SCRAPE_OK
    }


def test_each_correction_that_the_guide_lists_has_its_tests() -> None:
    rows = GUIDE.partition("## What is corrected")[2].partition("## Flags")[0]
    listed = re.findall(r"^\| [^-].* \| (`[^|]+`) \|$", rows, re.MULTILINE)
    assert len(listed) == 11
    for tests in listed:
        for path, name in re.findall(r"`([^`]+)::(\w+)`", tests):
            assert f"def {name}(" in (ROOT / "tests" / path).read_text()
