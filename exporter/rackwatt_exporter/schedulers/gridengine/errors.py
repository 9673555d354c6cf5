"""Error messages of Grid Engine's commands, and their reasons."""

from rackwatt_exporter.protocols.command.process import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason

_FAILURES = (
    (
        "env: ",
        Reason.COMMAND_FAILED,
        "there is no qhost or qstat: install Grid Engine's commands, or name their directory in "
        "`path`",
    ),
    (
        "SGE_ROOT",
        Reason.COMMAND_FAILED,
        "the commands do not find Grid Engine's directory: name it in gridengine.root",
    ),
    (
        "cell directory",
        Reason.COMMAND_FAILED,
        "Grid Engine's directory has no such cell: name the right one in gridengine.cell",
    ),
    (
        "neither submit nor admin host",
        Reason.PRIVILEGE_INSUFFICIENT,
        "sge_qmaster answers submit and admin hosts only: add this one with `qconf -as`",
    ),
    (
        "unable to send message to qmaster",
        Reason.UNREACHABLE,
        "the commands cannot reach sge_qmaster: is it running?",
    ),
    (
        "unable to contact qmaster",
        Reason.UNREACHABLE,
        "the commands cannot reach sge_qmaster: is it running?",
    ),
)


def map_error(error: CommandError) -> ReadError:
    """Return what a command that failed means, with its own words."""
    if error.reason is Reason.TIMEOUT:
        return ReadError(Reason.TIMEOUT, f"sge_qmaster did not answer in time ({error})")
    for phrase, reason, message in _FAILURES:
        if phrase in error.stderr:
            return ReadError(reason, f"{message} ({one_line(error.stderr, 0)})")
    return error
