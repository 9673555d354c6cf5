"""Why sacct and sacctmgr failed, by what they printed on stderr: both ask slurmdbd alone."""

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.command_errors import map_error as map_error_of_slurm

_UNANSWERED = ("talking to the database", "Connection refused")
_DISABLED = "accounting storage is disabled"


def map_error(error: CommandError, command: str, cluster: str | None) -> ReadError:
    """Find what a command that failed means; `cluster` is that of -M."""
    if error.reason is not Reason.TIMEOUT and any(word in error.stderr for word in _UNANSWERED):
        message = f"{command} cannot reach slurmdbd: is it running, and its database?"
        return ReadError(Reason.UNREACHABLE, message)
    if _DISABLED in error.stderr:
        message = f"this Slurm has no slurmdbd (AccountingStorageType), which {command} reads"
        return ReadError(Reason.COMMAND_FAILED, message)
    return map_error_of_slurm(error, command, cluster)
