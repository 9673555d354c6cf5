"""One harness under atheris, in a process of its own: `python -m tests.fuzz.runner NAME ARGS`.

libFuzzer takes the process for itself and ends it. ARGS are its own (-max_total_time=10, a folder).
"""

import random
import sys

import atheris

from tests.fuzz.harness import Harness
from tests.fuzz.json_mutator import mutated


def _changed(data: bytes, most_bytes: int, seed: int) -> bytes:
    """Change JSON as a tree three times of four, where it is JSON."""
    if random.Random(seed).random() < 0.75:
        changed = mutated(data, most_bytes, seed)
        if changed is not None:
            return changed
    otherwise: bytes = atheris.Mutate(data, most_bytes)
    return otherwise


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["rackwatt_crds", "rackwatt_exporter"]):
        examine, is_json = Harness(name).load()
    mutator = {"custom_mutator": _changed} if is_json else {}
    atheris.Setup([sys.argv[0], *arguments], examine, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
