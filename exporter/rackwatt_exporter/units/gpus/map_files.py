"""Files that a prolog writes: one for each GPU, named by its number, with the ids of its jobs.

The exporter of batch jobs reads them from /run/gpujobmap, and dcgm-exporter a directory of the same
kind. An epilog removes them, or empties them. What is not such a file is left out.
"""

import os
from collections import defaultdict
from pathlib import Path

_MAX_BYTES = 4096
_MAX_FILES = 1024
_MAX_DIGITS = 4
_MAX_ID = 64


def jobs_by_file(directory: Path) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the GPUs of each job.

    Raises:
        OSError: the directory cannot be listed.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for name in sorted(os.listdir(directory))[:_MAX_FILES]:
        if name.isascii() and name.isdigit() and len(name) <= _MAX_DIGITS:
            for job in _jobs(directory / name):
                found[job].append(int(name))
    return {job: tuple(sorted(numbers)) for job, numbers in found.items()}


def _jobs(path: Path) -> list[str]:
    """Return the ids in a file; none where it is unreadable, half written, or no text."""
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return []
    words = dict.fromkeys(text.replace(",", " ").split())
    return [word for word in words if len(word) <= _MAX_ID and word[:1].isdigit()]
