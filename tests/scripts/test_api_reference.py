"""The API reference, read from a kind through the links of its tables."""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import pytest
import yaml

from rackwatt_crds.duration import seconds
from rackwatt_exporter.config import options
from rackwatt_exporter.config.target import Target
from scripts.api_reference import anchor, api_reference, described
from scripts.generated import ROOT

PAGE = api_reference("", "")
CRDS = [yaml.safe_load(path.read_text()) for path in sorted(ROOT.glob("crds/*.yaml"))]
SCHEMAS = {
    crd["spec"]["names"]["kind"]: crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for crd in CRDS
}


class Row(NamedTuple):
    """A row of a table of fields."""

    type: str
    required: str
    default: str
    description: str


def rows(section: str) -> dict[str, Row]:
    if "| Field | Type |" not in section:
        return {}
    lines = re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE)
    return {name: Row(*re.split(r"(?<!\\) \| ", rest)) for name, rest in lines}


SECTIONS = dict(re.findall(r"^##+ (.+)\n((?:(?!##).*\n)*)", PAGE, re.MULTILINE))
FIELDS = {anchor(heading): rows(text) for heading, text in SECTIONS.items()}


def properties(part: dict[str, Any], path: str) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Go through the fields of a schema, each with its path and whether it is required."""
    for name, inner in part.get("properties", {}).items():
        yield f"{path}.{name}", name in part.get("required", ()), inner
        yield from properties(inner.get("items", inner), f"{path}.{name}")


PATHS = [row for kind, schema in SCHEMAS.items() for row in properties(schema, kind)]


def row_at(path: str) -> Row:
    """Follow a path through the links of the page."""
    kind, *names, last = path.split(".")
    at = anchor(kind)
    for name in names:
        link = re.search(r"\(#([^)]+)\)", FIELDS[at][name].type)
        assert link, f"{name} of {at} has no link"
        at = link[1]
    return FIELDS[at][last]


def test_the_page_has_every_field_of_the_crds_where_links_lead_to_it() -> None:
    assert len(PATHS) > 400
    for path, required, _ in PATHS:
        assert (row_at(path).required == "yes") is required, path


def test_the_page_has_every_value_and_bound_of_a_field() -> None:
    for path, _, part in PATHS:
        row = row_at(path)
        words = row.description.replace(r"\|", "|")
        if not row.type.startswith("[`"):  # the section of the type has them
            for value in [*part.get("enum", ()), *filter(None, [part.get("pattern")])]:
                assert f"`{value}`" in words, path
                assert "`" not in str(value) or f"``{value}``" in words, path
        for bound in ("minItems", "maxItems"):
            assert part.get(bound, 1) == 1 or str(part[bound]) in words, path


def test_the_page_describes_each_object_once() -> None:
    headings = re.findall(r"^##+ (.+)$", PAGE, re.MULTILINE)
    assert len({anchor(heading) for heading in headings}) == len(headings)
    assert {"SecretRef", "Monitoring", "Pod", "Web", "Condition"} <= SECTIONS.keys()
    assert "PowerTarget.spec.bmc.hosts[].ipmi" not in SECTIONS
    assert (
        "[PowerTarget.spec.bmc.hosts[]](#powertargetspecbmchosts)"
        in (SECTIONS["PowerTarget.spec.bmc.ipmi"])
    )


def test_the_page_has_the_rules_of_an_object() -> None:
    rule = "max must not be less than min. `!(has(self.max) && has(self.min)) || self.max"
    assert rule in SECTIONS["PowerTarget.spec.bmc.fake"]


def test_a_description_has_its_default_in_the_last_sentence_alone() -> None:
    for path, _, part in PATHS:
        text, _ = described(part)
        assert "default" not in text.lower().replace("takes the operator's default", "").replace(
            "`defaults.", ""
        ), path


@pytest.mark.parametrize(
    ("section", "settings"), [*options.OPTIONS.items(), ("redfish.tls", options.TlsOptions)]
)
def test_the_default_of_a_setting_is_the_one_that_the_exporter_has(
    section: str, settings: Any
) -> None:
    known = FIELDS[anchor(f"PowerTarget.spec.bmc.{section}")]
    defaults = {field.name.replace("_", ""): field.default for field in fields(settings)}
    for name, row in known.items():
        value = defaults[name.lower().removesuffix("ref")]
        if value in (None, ()):
            assert not row.default.startswith("`"), name
        elif isinstance(value, str | bool | int | float):
            text = str(value).lower() if isinstance(value, bool) else str(value)
            assert row.default == f"`{text.removesuffix('.0')}`", name


def test_the_defaults_of_a_target_are_those_that_the_exporter_has() -> None:
    known = FIELDS[anchor("PowerTarget.spec.bmc.hosts[]")]
    target = Target("n", "n", "fake", options.FakeOptions(), "d")
    for name, value_s in (
        ("interval", target.interval_s),
        ("timeout", target.timeout_s),
        ("maxBackoff", target.max_backoff_s),
    ):
        assert seconds(known[name].default.strip("`")) == value_s
    assert target.stale_after_s == 3 * target.interval_s
    assert known["staleAfter"].default == "three intervals"
    assert known["retries"].default == f"`{target.retries}`"
    assert known["type"].default == f"`{target.type}`"
    concurrency = FIELDS[anchor("PowerTarget.spec.bmc.concurrency")]
    assert concurrency["perSubnet"].default == f"`{target.subnet_limit}`"


def test_a_default_that_differs_between_methods_names_those_where_it_does() -> None:
    watts = FIELDS[anchor("PowerTarget.spec.bmc")]["maxWatts"].default
    limits = FIELDS[anchor("PowerTarget.spec.bmc.concurrency")]["perCredential"].default
    for method, settings in options.OPTIONS.items():
        assert int(value_for(method, watts)) == settings.max_watts
        assert int(value_for(method, limits)) == settings.credential_limit


def value_for(method: str, default: str) -> str:
    """Read `128; ipmi and snmp 512`, whose first value is that of every other method."""
    usual, *others = re.split(r"[;,] ", default)
    return next((one.split()[-1] for one in others if method in one.split()), usual)
