"""Changes JSON as a tree: what libFuzzer does to bytes rarely leaves JSON behind.

One step takes a value out, puts another in its place, moves one, or makes a number another. Values
come from the document itself, and from a few that parsers stumble over.
"""

import json
import random
from typing import Any

STUMBLES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, -1, 1, 0.1, 1e308, 1.7e308, 5e-324, 2**63, 2**64, 10**30, "", "0",
    "344", " ", "\0", "\n", "NaN", "null", "//e/", "/", "é", "\U0001f50c", [], {}, [[]], {"": {}},
)  # fmt: skip
_STEPS = 4


def mutated(data: bytes, most_bytes: int, seed: int) -> bytes | None:
    """Change a document a little, None where it is none or has become too long."""
    chance = random.Random(seed)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    box = [document]
    for _ in range(chance.randint(1, _STEPS)):
        _step(box, chance)
    try:
        changed = json.dumps(box[0], ensure_ascii=chance.random() < 0.5).encode()
    except (ValueError, RecursionError):
        return None
    return changed if len(changed) <= most_bytes else None


def _step(box: list[Any], chance: random.Random) -> None:
    places = list(_places(box))
    holder, key = chance.choice(places)
    kind = chance.randrange(5)
    if kind == 0:
        holder[key] = _copy(chance.choice(STUMBLES))
    elif kind == 1 and holder is not box:
        del holder[key]
    elif kind == 2:
        other, its_key = chance.choice(places)
        holder[key] = _copy(other[its_key])
    elif kind == 3 and isinstance(holder[key], int | float):
        holder[key] = holder[key] * chance.choice((-1, 2, 0.5, 1e3, 1e-3)) + chance.choice((0, 1))
    elif isinstance(holder, list) and holder is not box:
        holder.insert(key, _copy(holder[key]))
    elif isinstance(holder, dict):
        holder[chance.choice(places)[1] if chance.random() < 0.5 else "x"] = _copy(holder[key])


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _places(box: list[Any]) -> Any:
    """Go through every place in the tree, as the container and the key or index in it."""
    waiting: list[Any] = [box]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
