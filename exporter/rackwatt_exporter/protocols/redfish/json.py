"""Access to JSON of any shape: a missing key or a wrong type gives nothing, never an error."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

Json = Any

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def get(document: Json, *keys: str | int) -> Json:
    """Return the value at a path of keys and indices; None where the path ends early."""
    for key in keys:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def get_str(document: Json, *keys: str | int) -> str:
    """Return the string at a path; empty where there is none."""
    value = get(document, *keys)
    return value if isinstance(value, str) else ""


def members(document: Json, key: str = "Members") -> list[Json]:
    """Return the list at a key; empty where there is none."""
    value = get(document, key)
    return value if isinstance(value, list) else []


def count_of(document: Json, key: str = "Members") -> int:
    """Return how many members a list has, by its count or by what is listed, whichever is more."""
    count = get(document, f"{key}@odata.count")
    return max(len(members(document, key)), count if isinstance(count, int) else 0)


def link(document: Json, *keys: str | int) -> str | None:
    """Return the path of the resource that a property refers to, or to a part of."""
    path = get_str(document, *keys, "@odata.id").partition("#")[0]
    return path if path.startswith("/") else None


def pointed(document: Json, fragment: str) -> Json:
    """Return the object that a JSON pointer in a URI leads to, or that has what it leads to.

    RFC 6901, section 6. None where it leads nowhere.
    """
    start, *tokens = unquote(fragment).split("/")
    way = [document]
    for token in tokens:
        key = token.replace("~1", "/").replace("~0", "~")
        holder = way[-1]
        index = isinstance(holder, list) and _INDEX.fullmatch(key)
        way.append(get(holder, int(key) if index else key))
    found = [each for each in way[-2:] if isinstance(each, dict)]
    return None if start or way[-1] is None else next(reversed(found), None)


def linked(references: list[Json]) -> list[str]:
    """Return the paths of the resources that a list refers to.

    A member that has no path stands for a resource too: in its place is what it has, and no path.
    """
    return [link(each) or _without_path(each) for each in references]


def _without_path(reference: Json) -> str:
    said = get_str(reference, "@odata.id") or get_str(reference, "Id")
    return said.lstrip("/") or "a member without a link"


def is_path(link: str) -> bool:
    """Return whether what a list refers to is a path of this service."""
    return link.startswith("/")


def next_page(collection: Json) -> str | None:
    """Return the link to a collection's next page; None at its last."""
    return get_str(collection, "Members@odata.nextLink") or None


def replace_strings(document: Json, replaced: Callable[[str], str]) -> None:
    """Replace the strings in all objects of a document, in place, however deep it is."""
    left = [document]
    while left:
        holder = left.pop()
        items = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in list(items):
            if isinstance(value, str):
                holder[key] = replaced(value)
            elif isinstance(value, dict | list):
                left.append(value)


def last_part(path: str) -> str:
    """Return the last part of a path: as good as always the Id of the resource."""
    return path.rstrip("/").rpartition("/")[2]
