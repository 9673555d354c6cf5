"""Mapping of a failed read of /proc or /sys to a reason and a remedy."""

from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason

_AS_ROOT = (
    "run the exporter as uid 0, which needs no capability for it (docs/node.md); the operator "
    "does so by itself"
)


def read_error(path: Path, error: OSError) -> ReadError:
    """Return the error of a file that cannot be read."""
    if isinstance(error, PermissionError):
        return ReadError(Reason.PERMISSION_DENIED, f"{path} may not be read: {_AS_ROOT}")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        message = f"there is no {path}: see --path.sysfs and --path.procfs"
        return ReadError(Reason.ABSENT, message)
    return ReadError(Reason.SENSOR_UNREADABLE, f"{path}: {error.strerror}")
