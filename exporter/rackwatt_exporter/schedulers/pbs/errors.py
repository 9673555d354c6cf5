"""Error messages of PBS's commands, and their reasons."""

from rackwatt_exporter.protocols.command.process import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason

_FAILURES = (
    (
        "env: ",
        Reason.COMMAND_FAILED,
        "there is no pbsnodes or qstat: install PBS's commands, or name their directory in `path`",
    ),
    ("connection refused", Reason.UNREACHABLE, "the commands cannot reach pbs_server"),
    ("cannot connect to server", Reason.UNREACHABLE, "the commands cannot reach pbs_server"),
    (
        "unauthorized request",
        Reason.PRIVILEGE_INSUFFICIENT,
        "pbs_server does not answer this user: see acl_users, acl_hosts and query_other_jobs",
    ),
    (
        "no permission",
        Reason.PRIVILEGE_INSUFFICIENT,
        "pbs_server does not answer this user: see acl_users, acl_hosts and query_other_jobs",
    ),
)
# What a command prints that does not know an option.
_USAGE = ("usage", "invalid option", "illegal option", "unrecognized option", "unknown option")


def map_error(error: ReadError) -> ReadError:
    """Return what a command that failed means, with its own words."""
    if not isinstance(error, CommandError):
        return error
    if error.reason is Reason.TIMEOUT:
        return ReadError(Reason.TIMEOUT, f"pbs_server did not answer in time ({error})")
    for phrase, reason, message in _FAILURES:
        if phrase in error.stderr.lower():
            return ReadError(reason, f"{message} ({one_line(error.stderr, 0)})")
    return error


def is_format(error: ReadError) -> bool:
    """Return whether another of PBS's formats may work: this one is unknown, or is not valid."""
    if not isinstance(error, CommandError):
        return error.reason is Reason.BAD_REPLY
    lowered = error.stderr.lower()
    return error.reason is Reason.COMMAND_FAILED and any(word in lowered for word in _USAGE)
