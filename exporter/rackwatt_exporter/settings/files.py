"""The files documents stand in, and whether they have changed.

Change is seen by looking at sizes, times and inodes rather than by inotify: that works the same for
a ConfigMap's swapped symbolic link, an editor's rename and a network file system.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rackwatt_crds.decoding import Problem
from rackwatt_crds.loading import Loaded, load

_ENDINGS = (".yaml", ".yml", ".json")
Fingerprint = tuple[tuple[str, int, int, int], ...]


def documents(paths: Sequence[Path]) -> list[Loaded]:
    """Read every document of the files and folders named, in the order of their names."""
    return [one for path in paths for file in _files(path) for one in _read(file)]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Tell the files' present state: equal fingerprints mean nothing has changed."""
    marks = []
    for path in paths:
        for file in _files(path):
            try:
                stat = file.stat()
            except OSError:
                continue
            marks.append((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(marks)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.iterdir()):
        if file.suffix in _ENDINGS and not file.name.startswith(".") and file.is_file():
            yield file


def _read(file: Path) -> list[Loaded]:
    try:
        return load(file.read_bytes(), str(file))
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        return [Loaded(str(file), "", "", None, (Problem("", reason),))]
