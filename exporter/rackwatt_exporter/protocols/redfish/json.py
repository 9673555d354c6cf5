"""Ways through JSON that may be anything: a way that ends early gives nothing, never an error."""

from typing import Any

Json = Any


def at(document: Json, *keys: str | int) -> Json:
    """Walk into objects and lists; None where the way ends."""
    for key in keys:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def word(document: Json, *keys: str | int) -> str:
    """Give the string at the end of a way; empty where there is none."""
    found = at(document, *keys)
    return found if isinstance(found, str) else ""


def members(document: Json, key: str = "Members") -> list[Json]:
    """Give the list at a key; empty where there is none."""
    found = at(document, key)
    return found if isinstance(found, list) else []


def link(document: Json, *keys: str | int) -> str | None:
    """Give the path of the resource that a property refers to, or to a part of."""
    path = word(document, *keys, "@odata.id").partition("#")[0]
    return path if path.startswith("/") else None


def linked(references: list[Json]) -> list[str]:
    """Return the paths of the resources that a list refers to."""
    return [path for each in references if (path := link(each))]


def next_page(collection: Json) -> str | None:
    """Return the path of a collection's next page; None at its last."""
    path = word(collection, "Members@odata.nextLink")
    return path if path.startswith("/") else None


def last_part(path: str) -> str:
    """Return the last part of a path: as good as always the Id of the resource."""
    return path.rstrip("/").rpartition("/")[2]
