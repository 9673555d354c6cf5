"""Search for a process below a control group of version 1, which does not count them.

A group that has had one is read first: a unit that lives costs one small read, not a walk.
"""

import os
from collections.abc import Iterable, Iterator

_MAX_GROUPS = 4096


def witness(paths: Iterable[str], before: str | None) -> str | None:
    """Return a group at or below one of these that has a process; None where none has.

    `before` is what it returned the last time.
    """
    if before is not None and _has_process(before):
        return before
    groups = (group for path in paths for group in groups_below(path))
    return next(filter(_has_process, groups), None)


def _has_process(path: str) -> bool:
    try:
        with open(f"{path}/cgroup.procs", "rb") as file:
            return bool(file.read(16))
    except OSError:
        return False


def groups_below(top: str, most: int = _MAX_GROUPS) -> Iterator[str]:
    """Yield a group and those below it, the nearest first, about `most` of them at the most."""
    waiting = [top]
    for path in waiting:
        yield path
        if len(waiting) > most:
            return
        try:
            with os.scandir(path) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue
