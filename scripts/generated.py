"""Files of the repository that are made from the code, and whether they still say what it says."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bring_up_to_date(files: Mapping[str, Callable[[], str]], command: str) -> int:
    """Write every file that differs; with `--check`, tell which those are instead, and give 1."""
    stale = {}
    for name, make in files.items():
        path, text = ROOT / name, make()
        if not path.exists() or path.read_text() != text:
            stale[path] = text
    if "--check" in sys.argv and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        print(f"out of date, run `{command}`: {names}")
        return 1
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")
    return 0
