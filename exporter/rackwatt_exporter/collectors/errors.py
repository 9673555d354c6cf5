"""What it means when the kernel does not let us read, and what a person can do about it."""

from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason

_AS_ROOT = (
    "run the exporter as uid 0, which needs no capability for it (docs/node.md); the operator "
    "does so by itself"
)


def read_error(path: Path, error: OSError) -> ReadError:
    """Tell why a file cannot be read."""
    if isinstance(error, PermissionError):
        return ReadError(Reason.PERMISSION_DENIED, f"{path} may not be read: {_AS_ROOT}")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        told = f"there is no {path}: see --path.sysfs and --path.procfs"
        return ReadError(Reason.ABSENT, told)
    return ReadError(Reason.SENSOR_UNREADABLE, f"{path}: {error.strerror}")
