"""Strategies of documents, drawn from the CRDs' own schema: valid by it, or with a few mistakes."""

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from rackwatt_crds.schema import Schema

Drawn = st.SearchStrategy[Any]
Place = tuple[Any, Any, Schema]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
ODD: Drawn = (
    st.sampled_from([None, True, 0, -1, 2**40, 0.5, 2.0, 1e9, "", "a", "1m\n", "0s", "a,b"])
    | TEXT
    | st.builds(list)
    | st.builds(dict)
)
_CHOICE = re.compile("exactly one of (.*) must be given")


def documents(schema: Schema) -> Drawn:
    """Draw what a schema takes, and then put something else in a few places of it."""
    return _spoilt(fitting(schema), schema)


@st.composite
def _spoilt(draw: st.DrawFn, fit: Drawn, schema: Schema) -> Any:
    whole = {"spec": draw(fit)}
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        places = list(_places(whole, "spec", schema))
        within, key, inner = places[draw(st.integers(0, len(places) - 1))]
        within[key] = draw(ODD | _near(inner))
    return whole["spec"]


def fitting(schema: Schema) -> Drawn:
    """Draw what a schema takes."""
    if "x-kubernetes-int-or-string" in schema:
        return st.integers(0, 9) | _text(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return _object(schema) if "properties" in schema else _map(schema)
        case "array":
            least, most = schema.get("minItems", 0), min(schema["maxItems"], 3)
            return st.lists(fitting(schema["items"]), min_size=least, max_size=most)
        case "string":
            return _text(schema)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case _:
            return st.floats(0.5, schema.get("maximum", 1e6)) | st.integers(1, 1000)


def _object(schema: Schema) -> Drawn:
    """Draw an object; of fields that are ways to say one thing, one."""
    fields = {name: fitting(inner) for name, inner in schema.get("properties", {}).items()}
    must = {name: fields.pop(name) for name in schema.get("required", ())}
    messages = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
    chosen = [st.just(must)]
    for found in filter(None, map(_CHOICE.match, messages)):
        ways = {name: fields.pop(name) for name in found[1].split(", ")}
        chosen.append(st.sampled_from([{name: ways[name]} for name in sorted(ways)]))
    names = (
        st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=3)
        if fields
        else st.just([])
    )
    chosen.append(names.map(lambda names: {name: fields[name] for name in names}))
    return st.tuples(*chosen).flatmap(
        lambda parts: st.fixed_dictionaries(
            {name: one for part in parts for name, one in part.items()}
        )
    )


def _map(schema: Schema) -> Drawn:
    words = schema.get("additionalProperties")
    return st.dictionaries(TEXT, fitting(words) if words else ODD, max_size=3)


def _text(schema: Schema) -> Drawn:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
    texts: st.SearchStrategy[str] = TEXT
    if "pattern" in schema:
        texts = st.from_regex(str(schema["pattern"]), fullmatch=True)
    usual = [word for word in ("30s", "a", "n[1-3]", "a,b") if _fits(word, schema)]
    fitting = texts.filter(lambda text: least <= len(text) <= most and "\n" not in text)
    return fitting | st.sampled_from(usual) if usual else fitting


def _fits(word: str, schema: Schema) -> bool:
    return bool(re.search(schema.get("pattern", ""), word)) and len(word) >= schema.get(
        "minLength", 0
    )


def _near(schema: Schema) -> Drawn:
    """Draw what a schema takes or only just does not."""
    bounds = [schema[word] for word in ("minimum", "maximum") if word in schema]
    steps = [bound + step for bound in bounds for step in (-1, 0, 1)]
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    return st.sampled_from(steps or [{"extra": 1}])


def _places(within: Any, key: Any, schema: Schema) -> Iterator[Place]:
    """Walk through what was drawn: each place, with its schema."""
    yield within, key, schema
    value = within[key]
    if isinstance(value, dict):
        for name in value:
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties", {})
            yield from _places(value, name, inner)
    if isinstance(value, list):
        for index in range(len(value)):
            yield from _places(value, index, schema.get("items", {}))
