"""The files that documents are in, and whether they have changed.

Change is seen by looking at sizes, times and inodes rather than by inotify: that works the same for
a ConfigMap's swapped symbolic link, an editor's rename and a network file system.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rackwatt_crds.files import list_files, read_file, unreadable, without_files
from rackwatt_crds.loading import Loaded, load

Fingerprint = tuple[tuple[str, int, int, int], ...]


def documents(paths: Sequence[Path]) -> list[Loaded]:
    """Read every document of the files and folders named, in the order of their names."""
    return [one for path in paths for one in _documents(path)]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return the files' present state: equal fingerprints mean nothing has changed."""
    marks = []
    for path in paths:
        for file in _listed(path):
            with suppress(OSError):
                stat = file.stat()
                marks.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(marks)


def _listed(path: Path) -> list[Path]:
    with suppress(OSError):
        return list(list_files(path))
    return []


def _documents(path: Path) -> Iterator[Loaded]:
    try:
        found = list(list_files(path))
    except OSError as error:
        yield unreadable(str(path), error)
        return
    if not found:
        yield without_files(str(path))
    for file in found:
        try:
            yield from load(read_file(file), str(file))
        except OSError as error:
            yield unreadable(str(file), error)
