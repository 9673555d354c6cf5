"""The types of the API reference, and the constraints of their values, read from a CRD's schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from rackwatt_crds.accounting.retention import Period
from rackwatt_crds.accounting.validity import Day
from rackwatt_crds.bmc.snmp import OidText
from rackwatt_crds.fields import Duration, Labels, Name
from rackwatt_crds.pod import Quantity
from rackwatt_crds.schema import Schema, schema

TYPES: Mapping[str, Any] = {
    "Date": Day,
    "Duration": Duration,
    "Labels": Labels,
    "Name": Name,
    "ObjectIdentifier": OidText,
    "Period": Period,
    "Quantity": Quantity,
}
"""Types without fields that many objects use, by the names of their sections."""

_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minProperties", "maxProperties", "entries"),
)
_NOT_OF_THE_TYPE = ("description", "default", "x-kubernetes-map-type")


def type_name(part: Schema, model: str | None, named: bool = True) -> tuple[str, str | None]:
    """Return a type as `[]string`, and the type of TYPES in it; `model` is how an object is called.

    Without `named` the type itself is spelled out, but not its items.
    """
    if named and (name := _named(part)):
        return name, name
    if part.get("x-kubernetes-int-or-string"):
        return "integer or string", None
    if "items" in part:
        text, name = type_name(part["items"], model)
        return f"[]{text}", name
    if isinstance(part.get("additionalProperties"), dict):
        text, name = type_name(part["additionalProperties"], model)
        return f"map[string]{text}", name
    if part["type"] == "object":
        return model or "object", None
    return f"{part['type']} ({part['format']})" if "format" in part else part["type"], None


def constraints(part: Schema, named: bool = True) -> Iterator[str]:
    """Return what a value must fulfil, as sentences; a type of TYPES has them in its section."""
    if named and _named(part):
        return
    if "enum" in part:
        yield f"One of {', '.join(f'`{value}`' for value in part['enum'])}."
    if "properties" not in part:
        yield from filter(None, (_range(part, *bounds) for bounds in _BOUNDS))
    if "pattern" in part:
        mark = "``" if "`" in part["pattern"] else "`"
        yield f"Pattern: {mark}{part['pattern']}{mark}."
    match part.get("x-kubernetes-list-type"):
        case "set":
            yield "Items are unique."
        case "map":
            yield f"Items are unique by `{part['x-kubernetes-list-map-keys'][0]}`."
    for key, words in (("items", "Items"), ("additionalProperties", "Values")):
        inner = part.get(key)
        if isinstance(inner, dict) and (limits := " ".join(constraints(inner))):
            yield f"{words}: {limits[0].lower()}{limits[1:]}"


def _named(part: Schema) -> str | None:
    """Return the type of TYPES that a part of a schema is."""
    return next((name for name, kind in TYPES.items() if _bare(schema(kind)) == _bare(part)), None)


def _bare(part: Schema) -> Schema:
    return {key: value for key, value in part.items() if key not in _NOT_OF_THE_TYPE}


def _range(part: Schema, least: str, most: str, unit: str) -> str:
    low, high = (_whole(part.get(name)) for name in (least, most))
    if least == "minimum" and part.get("exclusiveMinimum"):
        text = f"More than {low}" + ("" if high is None else f", at most {high}")
    elif None not in (low, high):
        text = f"{low} to {high}" if low != high else f"Exactly {low}"
    elif high is not None:
        text = f"At most {high}"
    elif low == 1 and unit:
        return "Not empty."
    elif low is not None:
        text = f"At least {low}"
    else:
        return ""
    return f"{text} {unit}".strip() + "."


def _whole(number: float | None) -> float | None:
    """Return a bound without a decimal point where it needs none."""
    return number if number is None or number % 1 else int(number)
