"""The CRDs as data: structural, complete, and equal to the files of the repository."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
import yaml
from msgspec import Meta

from rackwatt_crds.crd import DEFINITIONS, Definition, text
from rackwatt_crds.decoding import decode
from rackwatt_crds.document import KINDS
from rackwatt_crds.model import Model
from rackwatt_crds.schema import Schema, schema
from scripts.crds import FILES
from scripts.generated import ROOT
from tests.crds.invalid_documents import BROKEN, Broken

ALL = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.kind)


def version(definition: Definition) -> dict[str, Any]:
    (only,) = definition.manifest()["spec"]["versions"]
    return dict(only)


def within(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Walk through a schema, each node with its path."""
    yield path, node
    for name, inner in node.get("properties", {}).items():
        yield from within(inner, f"{path}.{name}")
    if "items" in node:
        yield from within(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from within(node["additionalProperties"], f"{path}{{}}")


def nodes(definition: Definition) -> list[tuple[str, Schema]]:
    return list(within(version(definition)["schema"]["openAPIV3Schema"], ""))


@pytest.mark.parametrize("name", FILES)
def test_a_generated_file_is_up_to_date_with_the_models(name: str) -> None:
    assert (ROOT / name).read_text() == FILES[name](), "run make crds"


def test_the_command_prints_the_content_of_the_files() -> None:
    files = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    assert list(yaml.safe_load_all(text())) == files
    assert [one["metadata"]["name"] for one in files] == [one.name for one in DEFINITIONS]
    assert {one.kind for one in DEFINITIONS} == set(KINDS)


@ALL
def test_every_field_is_described(definition: Definition) -> None:
    for path, node in nodes(definition):
        if not path.endswith(("[]", "{}")):
            assert node["description"].strip(), path


@ALL
def test_a_schema_has_nothing_that_the_api_server_drops(definition: Definition) -> None:
    assert [
        path for path, node in nodes(definition) for value in node.values() if value == {}
    ] == []


@ALL
def test_a_schema_is_structural(definition: Definition) -> None:
    for path, node in nodes(definition):
        assert not {"$ref", "anyOf", "oneOf", "allOf", "title", "nullable"} & set(node), path
        assert ("type" in node) != ("x-kubernetes-int-or-string" in node), path
        assert r"\Z" not in node.get("pattern", ""), path
        if node.get("type") == "array":
            assert node["x-kubernetes-list-type"] in ("atomic", "set", "map"), path
            assert "maxItems" in node, f"{path}: the API server cannot estimate its cost"
        for key in node.get("x-kubernetes-list-map-keys", ()):
            assert key in node["items"]["required"], path


@ALL
def test_no_field_that_an_entry_can_override_has_a_default(definition: Definition) -> None:
    defaults = {path: node["default"] for path, node in nodes(definition) if "default" in node}
    assert (
        defaults
        == {
            "PowerTarget": {".spec.bmc.shards": 1, ".spec.paused": False},
            "SchedulerBinding": {
                ".spec.interval": "30s",
                ".spec.timeout": "10s",
                ".spec.paused": False,
            },
        }[definition.kind]
    )


@ALL
def test_every_rule_is_broken_by_a_test(definition: Definition) -> None:
    rules = {
        (path.removeprefix(".") + rule.get("fieldPath", ""), rule["message"])
        for path, node in nodes(definition)
        for rule in node.get("x-kubernetes-validations", ())
    }
    tested = {
        (one.path.replace("[0]", "[]"), one.text) for one in BROKEN if one.kind == definition.kind
    }
    assert rules == tested


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: f"{one.path}: {one.text}")
def test_a_document_that_violates_a_rule_is_reported(broken: Broken) -> None:
    document = {"metadata": {"name": "a"}, "spec": broken.spec}
    _, problems = decode(document, KINDS[broken.kind])
    if broken.before is not None:
        assert problems == []  # only an API server knows what was before
    else:
        assert [problem.path for problem in problems] == [broken.path]
        assert problems[0].reason.startswith(f"{broken.text}, found ")


def test_a_type_that_a_structural_schema_cannot_express_is_no_type_of_a_model() -> None:
    class Either(Model, frozen=True, kw_only=True):
        """Either of two."""

        tuple: tuple[int, str]

    with pytest.raises(TypeError, match="no structural schema for"):
        schema(Either)


def test_open_bounds_are_written_in_the_dialect() -> None:
    class Scaled(Model, frozen=True, kw_only=True):
        """A scale."""

        scale: Annotated[float, Meta(gt=0, le=9)]

    bounds = schema(Scaled)["properties"]["scale"]
    assert bounds == {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9}
