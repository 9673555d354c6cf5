"""Files of documents: which files of a folder are read, and their content."""

from collections.abc import Iterator
from pathlib import Path

from rackwatt_crds.decoding import Problem
from rackwatt_crds.loading import MAX_BYTES, Loaded

_ENDINGS = (".yaml", ".yml", ".json")


def list_files(path: Path) -> Iterator[Path]:
    """List the files of a folder that documents are read from, by name; or the file itself.

    Raises:
        OSError: the folder cannot be listed.
    """
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.iterdir()):
        counts = file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
        if counts and (file.is_file() or not file.exists()):  # a dangling link is reported
            yield file


def read_file(file: Path) -> bytes:
    """Read a file, up to one byte more than the limit.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def unreadable(origin: str, error: OSError) -> Loaded:
    """Return the problem of a file or folder that cannot be read."""
    return Loaded(origin, "", "", None, (Problem("", f"cannot be read: {error.strerror}"),))


def without_files(folder: str) -> Loaded:
    """Return the note of a folder that has no file to read."""
    return Loaded(folder, "", "", None, note=f"has no file that ends in {', '.join(_ENDINGS)}")
