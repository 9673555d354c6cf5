"""Generated files of the repository: writing them, and checking that they are up to date."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


def bring_up_to_date(files: Mapping[str, Callable[[], str]], command: str) -> int:
    """Write every file that differs; with `--check`, print their names and return 1."""
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
