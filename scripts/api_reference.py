"""Generator of the API reference, docs/documents.md: a section for each object of the CRDs.

Types, constraints and descriptions are those of the CRDs' schemas, which are generated from the
models. An object that both kinds have is described once, under the name of its model.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import yaml
from msgspec.inspect import (
    DictType,
    Field,
    ListType,
    Metadata,
    StructType,
    Type,
    UnionType,
    type_info,
)

from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_crds.crd import DEFINITIONS, Definition
from rackwatt_crds.document import API_VERSION
from rackwatt_crds.model import Model
from rackwatt_crds.schema import Schema, prose, schema
from scripts.api_types import TYPES, constraints, type_name

_OBJECT_META = "https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/"
_HEAD = "| Field | Type | Required | Default | Description |\n|---|---|---|---|---|\n"
_NO_VALUE = ("", "none", "empty", "discovered", "unlimited")
_BAR = r"\|"
_DEFAULT = re.compile(r"(?P<text>.*?)\s*\bDefault: (?P<default>.+)\.", re.DOTALL)


class Use(NamedTuple):
    """One place of an object: its path from the kind down, and the model that has the field."""

    model: type[Model]
    path: str
    parent: type[Model] | None


class Reference:
    """The objects of the CRDs, each with the heading of its one section."""

    def __init__(self) -> None:
        self._uses: dict[type[Model], list[Use]] = {}
        for definition in DEFINITIONS:
            for part, model in (("spec", definition.spec), ("status", definition.status)):
                for use in _uses(model, f"{definition.kind}.{part}"):
                    self._uses.setdefault(use.model, []).append(use)

    def sections(self) -> Iterator[str]:
        """Return the sections of each kind, and those of the objects that both have."""
        for definition in DEFINITIONS:
            yield _kind(definition)
            yield from (self._section(model) for model in self._of(definition.kind))
        yield "\n## Shared objects\n"
        shared = filter(self._is_shared, self._uses)
        yield from map(self._section, sorted(shared, key=lambda model: model.__name__))

    def _of(self, kind: str) -> list[type[Model]]:
        return [
            model
            for model, uses in self._uses.items()
            if uses[0].path.startswith(f"{kind}.") and not self._is_shared(model)
        ]

    def _is_shared(self, model: type[Model]) -> bool:
        return len({use.path.partition(".")[0] for use in self._uses[model]}) > 1

    def _heading(self, model: type[Model]) -> str:
        return model.__name__ if self._is_shared(model) else self._uses[model][0].path

    def _section(self, model: type[Model]) -> str:
        parts = [f"\n### {self._heading(model)}\n\n{prose(model.__doc__)}\n"]
        users = dict.fromkeys(use.parent for use in self._uses[model] if use.parent)
        if len(users) > 1:
            links = ", ".join(_link(self._heading(user), self._heading(user)) for user in users)
            parts.append(f"\nUsed by {links}.\n")
        properties = schema(model).get("properties", {})
        fields = sorted(_fields(model), key=lambda field: not field.required)
        rows = [self._row(field, properties[field.encode_name]) for field in fields]
        parts += ["\n", _HEAD, *rows]
        if rules := [f"- {rule.text}. `{rule.cel}`\n" for rule in model.RULES if rule.cel]:
            parts += ["\nValidation:\n\n", *rules]
        return "".join(parts)

    def _row(self, field: Field, part: Schema) -> str:
        inner = _object(field.type)
        text, heading = type_name(part, self._name(inner) if inner else None)
        kind = _link(f"`{text}`", self._heading(inner) if inner else heading)
        description, default = described(part)
        words = " ".join(filter(None, (description, *constraints(part))))
        required = "yes" if field.required else ""
        return _cells(f"`{field.encode_name}`", kind, required, _code(default), words)

    def _name(self, model: type[Model]) -> str:
        return model.__name__ if self._is_shared(model) else "object"


def api_reference(note: str, intro: str) -> str:
    """Return docs/documents.md; `note` says that it is generated."""
    return "".join(
        ["# API reference\n\n", note, intro, *Reference().sections(), _types(), _presets()]
    )


def described(part: Schema) -> tuple[str, str]:
    """Return a field's description and its default, which is the last sentence of the former."""
    text = part.get("description", "").replace("\n", " ")
    if found := _DEFAULT.fullmatch(text):
        return found["text"], found["default"]
    return text, str(part.get("default", ""))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


def _uses(model: type[Model], path: str, parent: type[Model] | None = None) -> Iterator[Use]:
    yield Use(model, path, parent)
    for field in _fields(model):
        if inner := _object(field.type):
            item = "[]" if schema(model)["properties"][field.encode_name]["type"] == "array" else ""
            yield from _uses(inner, f"{path}.{field.encode_name}{item}", model)


def _fields(model: type[Model]) -> tuple[Field, ...]:
    kind = type_info(model)
    assert isinstance(kind, StructType)  # as every Model is
    return kind.fields


def _object(kind: Type) -> type[Model] | None:
    """Return the model of a field's value, or of its items."""
    match kind:
        case StructType(cls=model) if issubclass(model, Model):
            return model
        case Metadata(type=inner) | ListType(item_type=inner) | DictType(value_type=inner):
            return _object(inner)
        case UnionType(types=kinds):
            return next(filter(None, map(_object, kinds)), None)
        case _:
            return None


def _kind(definition: Definition) -> str:
    names = definition.manifest()["spec"]["names"]
    spec, status = (_link("`object`", f"{definition.kind}.{part}") for part in ("spec", "status"))
    named = "In a file, `name` is required, and `namespace` is optional. Default: `default`."
    return "".join(
        [
            f"\n## {definition.kind}\n\n{prose(definition.description)}\n\n",
            f"Namespaced. `kubectl get {names['plural']}`, short name `{definition.short}`.\n\n",
            _HEAD,
            _cells("`apiVersion`", "`string`", "yes", "", f"`{API_VERSION}`"),
            _cells("`kind`", "`string`", "yes", "", f"`{definition.kind}`"),
            _cells("`metadata`", f"[`ObjectMeta`]({_OBJECT_META})", "yes", "", named),
            _cells("`spec`", spec, "yes", "", "The desired state."),
            _cells("`status`", status, "", "", "The observed state. Only the operator writes it."),
        ]
    )


def _types() -> str:
    sections = ["\n## Types\n"]
    for name, kind in TYPES.items():
        part = schema(kind)
        text, _ = type_name(part, None, named=False)
        limits = " ".join(constraints(part, named=False))
        description = part.get("description", "")
        sections.append(
            f"\n### {name}\n\n{' '.join(filter(None, (description, f'`{text}`.', limits)))}\n"
        )
    return "".join(sections)


def _presets() -> str:
    rows = (
        f"| `{method}` | `{preset}` | `{_flow(settings)}` |\n"
        for (method, preset), settings in sorted(PRESETS.items())
    )
    return "".join(
        [
            "\n## Presets\n\nThe settings of each preset, which a document overrides. They are\n"
            "those of vendors' MIBs and of other projects in use. None was tried on a device by\n"
            "Rackwatt's developers.\n\n| Method | Preset | Settings |\n|---|---|---|\n",
            *rows,
        ]
    )


def _flow(settings: msgspec.Struct) -> str:
    """Write settings as a document has them under their method, on one line."""
    plain = json.loads(msgspec.json.encode(settings), object_hook=_without_none)
    return yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _without_none(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}


def _cells(*cells: str) -> str:
    """Write a row of a table; a bar is escaped inside code as well (GFM specification, 4.10)."""
    return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |\n"


def _link(text: str, heading: str | None) -> str:
    return f"[{text}](#{anchor(heading)})" if heading else text


def _code(text: str) -> str:
    """Mark one value as code; leave a phrase, and the absence of a value, as they are."""
    plain = text in _NO_VALUE or re.search(r"[\s`]", text)
    return text if plain else f"`{text}`"
