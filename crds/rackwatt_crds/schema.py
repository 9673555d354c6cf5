"""Structural schemas of models: the dialect of OpenAPI v3 that the API server accepts in a CRD.

A structural schema has no references, alternatives or titles (kubernetes.io, "Specifying a
structural schema"). A field without a description has the docstring of its model, so that
`kubectl explain` describes every field.
"""

import inspect
from typing import Any

from msgspec import NODEFAULT
from msgspec.inspect import (
    AnyType,
    BoolType,
    DictType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule

Schema = dict[str, Any]


def schema(kind: Any) -> Schema:
    """Return the structural schema of a model or of a field's type."""
    return _schema(type_info(kind))


def prose(text: str | None) -> str:
    """Join a docstring's lines into paragraphs."""
    return "\n".join(
        paragraph.replace("\n", " ") for paragraph in inspect.cleandoc(text or "").split("\n\n")
    )


def _schema(kind: Type) -> Schema:
    match kind:
        case Metadata():
            return _schema(kind.type) | (kind.extra_json_schema or {})
        case StructType():
            return _object(kind)
        case UnionType():
            return _union([part for part in kind.types if not isinstance(part, NoneType)])
        case ListType():
            return {
                "type": "array",
                "items": _schema(kind.item_type),
                "x-kubernetes-list-type": "atomic",
                **_bounds(kind, minItems="min_length", maxItems="max_length"),
            }
        case DictType():
            return _map(kind)
        case _:
            return _scalar(kind)


def _object(kind: StructType) -> Schema:
    model = kind.cls
    assert issubclass(model, Model)  # noqa: S101 - documents have no other type
    result: Schema = {
        "type": "object",
        "description": prose(model.__doc__),
    }
    # The API server drops empty properties: two tools that apply them would disagree.
    if properties := {field.encode_name: _property(field) for field in kind.fields}:
        result["properties"] = properties
    if required := [field.encode_name for field in kind.fields if field.required]:
        result["required"] = required
    if model.ATOMIC:
        result["x-kubernetes-map-type"] = "atomic"
    if rules := [_rule(rule) for rule in model.RULES if rule.cel]:
        result["x-kubernetes-validations"] = rules
    return result


def _property(field: Field) -> Schema:
    absent = field.default is NODEFAULT or field.default is None
    return _schema(field.type) | ({} if absent else {"default": field.default})


def _rule(rule: Rule) -> Schema:
    where = {"fieldPath": f".{rule.at}"} if rule.at else {}
    return {"rule": rule.cel, "message": rule.text, **where}


def _union(kinds: list[Type]) -> Schema:
    if len(kinds) == 1:
        return _schema(kinds[0])
    number, text = kinds  # int-or-string is the only union of a structural schema
    result = _schema(number) | _schema(text) | {"x-kubernetes-int-or-string": True}
    del result["type"]
    return result


def _map(kind: DictType) -> Schema:
    result: Schema = {"type": "object"}
    if isinstance(kind.value_type, AnyType):
        return result | {"x-kubernetes-preserve-unknown-fields": True}
    result["additionalProperties"] = _schema(kind.value_type)
    return result | _bounds(kind, minProperties="min_length", maxProperties="max_length")


def _scalar(kind: Type) -> Schema:
    match kind:
        case StrType():
            result = {
                "type": "string",
                **_bounds(kind, minLength="min_length", maxLength="max_length"),
            }
            # \Z is $ in the API server, while Python's own $ also matches before a final newline.
            return result | ({"pattern": kind.pattern.replace(r"\Z", "$")} if kind.pattern else {})
        case LiteralType(values=values):
            return {
                "type": "integer" if isinstance(values[0], int) else "string",
                "enum": [*values],
            }
        case BoolType():
            return {"type": "boolean"}
        case IntType():
            return {"type": "integer", **_bounds(kind, minimum="ge", maximum="le")}
        case FloatType():
            result = {"type": "number", **_bounds(kind, minimum="ge", maximum="le")}
            return result | (
                {} if kind.gt is None else {"minimum": kind.gt, "exclusiveMinimum": True}
            )
        case _:
            raise TypeError(f"no structural schema for {kind}")


def _bounds(kind: Type, **names: str) -> Schema:
    bounds = {keyword: getattr(kind, name) for keyword, name in names.items()}
    return {keyword: bound for keyword, bound in bounds.items() if bound is not None}
