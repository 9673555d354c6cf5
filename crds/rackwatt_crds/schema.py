"""Models as structural schemas: the dialect of OpenAPI v3 that an API server takes in a CRD.

Structural means that everything stands where it is meant: no references, no alternatives, no titles
(kubernetes.io, "Specifying a structural schema"). A field without a word of its own is described by
its model's docstring, so that `kubectl explain` is never at a loss.
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
    """Write a model, or the type of a field, as a structural schema."""
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
            return _union([one for one in kind.types if not isinstance(one, NoneType)])
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
    assert issubclass(model, Model)  # noqa: S101 - documents hold nothing else
    made: Schema = {
        "type": "object",
        "description": prose(model.__doc__),
        "properties": {field.encode_name: _property(field) for field in kind.fields},
    }
    if required := [field.encode_name for field in kind.fields if field.required]:
        made["required"] = required
    if model.MERGED_WHOLE:
        made["x-kubernetes-map-type"] = "atomic"
    if rules := [_rule(rule) for rule in model.RULES if rule.cel]:
        made["x-kubernetes-validations"] = rules
    return made


def _property(field: Field) -> Schema:
    silent = field.default is NODEFAULT or field.default is None
    return _schema(field.type) | ({} if silent else {"default": field.default})


def _rule(rule: Rule) -> Schema:
    return {"rule": rule.cel, "message": rule.text}


def _union(kinds: list[Type]) -> Schema:
    if len(kinds) == 1:
        return _schema(kinds[0])
    whole, text = kinds  # the one alternative that a structural schema knows
    made = _schema(whole) | _schema(text) | {"x-kubernetes-int-or-string": True}
    del made["type"]
    return made


def _map(kind: DictType) -> Schema:
    made: Schema = {"type": "object"}
    if isinstance(kind.value_type, AnyType):
        return made | {"x-kubernetes-preserve-unknown-fields": True}
    made["additionalProperties"] = _schema(kind.value_type)
    return made | _bounds(kind, minProperties="min_length", maxProperties="max_length")


def _scalar(kind: Type) -> Schema:
    match kind:
        case StrType():
            made = {
                "type": "string",
                **_bounds(kind, minLength="min_length", maxLength="max_length"),
            }
            # Python's \Z is $ to an API server; Python's own $ also stands before a last newline.
            return made | ({"pattern": kind.pattern.replace(r"\Z", "$")} if kind.pattern else {})
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
            made = {"type": "number", **_bounds(kind, minimum="ge", maximum="le")}
            return made | (
                {} if kind.gt is None else {"minimum": kind.gt, "exclusiveMinimum": True}
            )
        case _:
            raise TypeError(f"a structural schema knows no {kind}")


def _bounds(kind: Type, **names: str) -> Schema:
    found = {word: getattr(kind, name) for word, name in names.items()}
    return {word: bound for word, bound in found.items() if bound is not None}
