"""Reasons of failed commands of Slurm, by what they printed on stderr."""

from rackwatt_exporter.protocols.command.process import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.errors import ANOTHER_CLUSTER, reason_of

HINTS = {
    Reason.AUTH_FAILED: "Slurm refuses the log-in: is munged running there, with the same key, and "
    "{command} no newer than {daemon}?",
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData hides them from this user",
    Reason.TIMEOUT: "{daemon} did not answer {command} in time",
    Reason.UNREACHABLE: "{command} cannot reach {daemon}: is it running?",
}
# Who answers a command that does not ask slurmctld.
DAEMONS = {"sacctmgr": "slurmdbd"}
# Who answers the others where -M names a cluster: first the one that knows where it is.
_OF_CLUSTER = "slurmdbd, which knows where {cluster} is, or slurmctld there"
_DATABASE = "talking to the database"
_NO_DATABASE = "talking to database"
_NOT_LISTED = "known by database"
_TOO_OLD_24_11, _TOO_OLD_26_05 = "Invalid Protocol Version", "Insane message length"
_SAME_RELEASE = (
    "Install the commands of slurmctld's own release, or run them where those are, by `slurm.ssh`."
)
_OWN_CLUSTER = (
    "Leave slurm.cluster out where the commands belong to that cluster: they read it without "
    "slurmdbd."
)
REMEDIES = {
    _DATABASE: _OWN_CLUSTER,
    _NO_DATABASE: _OWN_CLUSTER,
    _NOT_LISTED: ANOTHER_CLUSTER,
    _TOO_OLD_24_11: _SAME_RELEASE,
    _TOO_OLD_26_05: _SAME_RELEASE,
}
_OTHER_RELEASE = "the Slurm of {command} is too old for that of slurmctld"
# What fails before slurmctld has a say, by what env and the commands print of it.
BEFORE = (
    ("env: ", "there is no {command}: install Slurm's commands, or say in `path` where it is"),
    ("configuration source", "{command} finds no slurm.conf: put it in place, or set SLURM_CONF"),
    (
        "for SLURM_CLUSTERS",
        "SLURM_CLUSTERS names another cluster: does a wrapper of {command} set it?",
    ),
    (_NOT_LISTED, "slurm.cluster names a cluster that slurmdbd does not list"),
    (
        _DATABASE,
        "slurm.cluster, or SLURM_CLUSTERS in a wrapper of {command}, names a cluster, and "
        "slurmdbd, which knows where it is, does not answer",
    ),
    (  # of a slurmdbd that does not answer, both are said
        _NO_DATABASE,
        "slurm.cluster names a cluster, and this Slurm has no slurmdbd that knows where it is "
        "(AccountingStorageType)",
    ),
    (
        "accounting_storage plugin",
        "this Slurm has no slurmdbd (AccountingStorageType), which {command} reads",
    ),
    (_TOO_OLD_24_11, _OTHER_RELEASE),
    (_TOO_OLD_26_05, _OTHER_RELEASE),
)
# slurmdbd lists the cluster; its slurmctld does not answer, or has never registered.
_NOT_REACHED = "for --cluster"


def map_error(error: CommandError, command: str, cluster: str | None = None) -> ReadError:
    """Find what a command that failed means, and keep its words; `cluster` is that of -M."""
    for phrase, message in BEFORE:
        if phrase in error.stderr:
            text = message.format(command=command)
            return ReadError(Reason.COMMAND_FAILED, text, remedy=REMEDIES.get(phrase))
    if _NOT_REACHED in error.stderr:
        text = f"{command} cannot reach slurmctld of cluster {cluster}: is it running?"
        return ReadError(Reason.UNREACHABLE, text)
    reason = reason_of(error.stderr)
    if reason is None and error.reason is not Reason.TIMEOUT:
        return error
    reason = reason or Reason.TIMEOUT
    words = "; ".join(line.strip() for line in error.stderr.splitlines() if line.strip())
    ctld = _OF_CLUSTER.format(cluster=cluster) if cluster else "slurmctld"
    hint = HINTS[reason].format(command=command, daemon=DAEMONS.get(command, ctld))
    return ReadError(reason, f"{hint} ({one_line(words, 0) if words else error})")
