"""The files that documents are in: which of a folder count, and what they hold."""

from collections.abc import Iterator
from pathlib import Path

from rackwatt_crds.decoding import Problem
from rackwatt_crds.loading import MAX_BYTES, Loaded

_ENDINGS = (".yaml", ".yml", ".json")


def files(path: Path) -> Iterator[Path]:
    """List the files of a folder that documents are read from, by name; or the file itself.

    Raises:
        OSError: the folder cannot be listed.
    """
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.iterdir()):
        counts = file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
        if counts and (file.is_file() or not file.exists()):  # a link to nothing is to be reported
            yield file


def content(file: Path) -> bytes:
    """Read a file, no further than needed to see that it is too large.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def unreadable(place: str, error: OSError) -> Loaded:
    """Describe a file or folder that cannot be read."""
    return Loaded(place, "", "", None, (Problem("", f"cannot be read: {error.strerror}"),))


def without_files(folder: str) -> Loaded:
    """Describe a folder that has no file to read."""
    return Loaded(folder, "", "", None, note=f"has no file that ends in {', '.join(_ENDINGS)}")
