"""Access to JSON of any shape: a missing key or a wrong type gives nothing, never an error."""

from typing import Any

Json = Any


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


def linked(references: list[Json]) -> list[str]:
    """Return the paths of the resources that a list refers to."""
    return [path for each in references if (path := link(each))]


def next_page(collection: Json) -> str | None:
    """Return the path of a collection's next page; None at its last."""
    path = get_str(collection, "Members@odata.nextLink")
    return path if path.startswith("/") else None


def last_part(path: str) -> str:
    """Return the last part of a path: as good as always the Id of the resource."""
    return path.rstrip("/").rpartition("/")[2]
