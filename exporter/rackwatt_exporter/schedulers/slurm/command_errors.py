"""What it means that a command of Slurm failed, by what it printed on stderr."""

from rackwatt_exporter.protocols.command.process import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.errors import reason_of

HINTS = {
    Reason.AUTH_FAILED: "Slurm refuses the log-in: is munged running there, with the same key?",
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData hides them from this user",
    Reason.TIMEOUT: "{daemon} did not answer {command} in time",
    Reason.UNREACHABLE: "{command} cannot reach {daemon}: is it running?",
}
# Who answers a command that does not ask slurmctld.
DAEMONS = {"sacctmgr": "slurmdbd"}
_DATABASE = "talking to the database"
REMEDIES = {
    _DATABASE: "Leave slurm.cluster out where the commands belong to that cluster: they read it "
    "without slurmdbd."
}
# What fails before slurmctld has a say, by what env and the commands print of it.
BEFORE = (
    ("env: ", "there is no {command}: install Slurm's commands, or say in `path` where it is"),
    ("configuration source", "{command} finds no slurm.conf: put it in place, or set SLURM_CONF"),
    (
        "for SLURM_CLUSTERS",
        "SLURM_CLUSTERS names another cluster: does a wrapper of {command} set it?",
    ),
    ("for --cluster", "slurm.cluster names a cluster that slurmdbd does not list or reach"),
    (
        _DATABASE,
        "slurm.cluster, or SLURM_CLUSTERS in a wrapper of {command}, names a cluster, and "
        "slurmdbd, which knows where it is, does not answer",
    ),
)


def explained(error: CommandError, command: str) -> ReadError:
    """Find what a command that failed means, and keep its words."""
    for phrase, message in BEFORE:
        if phrase in error.stderr:
            text = message.format(command=command)
            return ReadError(Reason.COMMAND_FAILED, text, remedy=REMEDIES.get(phrase))
    reason = reason_of(error.stderr)
    if reason is None and error.reason is not Reason.TIMEOUT:
        return error
    reason = reason or Reason.TIMEOUT
    words = "; ".join(line.strip() for line in error.stderr.splitlines() if line.strip())
    hint = HINTS[reason].format(command=command, daemon=DAEMONS.get(command, "slurmctld"))
    return ReadError(reason, f"{hint} ({one_line(words, 0) if words else error})")
