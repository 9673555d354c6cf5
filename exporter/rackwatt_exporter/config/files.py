"""Files of documents, and detection of their changes.

The exporter compares sizes, times and inodes instead of using inotify: this also works for a
ConfigMap's replaced symbolic link, an editor's rename and a network file system.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rackwatt_crds.files import list_files, read_file, unreadable, without_files
from rackwatt_crds.loading import Loaded, load

Fingerprint = tuple[tuple[str, int, int, int], ...]


def load_documents(paths: Sequence[Path]) -> list[Loaded]:
    """Read every document of the given files and folders, in the order of their names."""
    return [loaded for path in paths for loaded in _documents(path)]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return the files' current state; equal fingerprints mean that nothing has changed."""
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
        listed = list(list_files(path))
    except OSError as error:
        yield unreadable(str(path), error)
        return
    if not listed:
        yield without_files(str(path))
    for file in listed:
        try:
            yield from load(read_file(file), str(file))
        except OSError as error:
            yield unreadable(str(file), error)
