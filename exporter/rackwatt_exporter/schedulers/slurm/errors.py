"""Error messages of Slurm, in the words that its commands and slurmrestd share."""

from rackwatt_exporter.reading import Reason

ANOTHER_CLUSTER = (
    "Name in `slurm.cluster` the cluster that is meant, as `sacctmgr show cluster` lists it, or "
    "connect to the right one."
)
FAILURES = (
    ("munge", Reason.AUTH_FAILED),
    ("authentication error", Reason.AUTH_FAILED),
    ("zero bytes", Reason.AUTH_FAILED),  # slurmctld hangs up on who it cannot decode
    ("access/permission denied", Reason.PRIVILEGE_INSUFFICIENT),
    ("invalid user id", Reason.AUTH_FAILED),
    ("timed out", Reason.TIMEOUT),
    ("unable to contact", Reason.UNREACHABLE),
)


def reason_of(said: str) -> Reason | None:
    """Return the reason that a message means; None for an unknown message."""
    lowered = said.lower()
    for phrase, reason in FAILURES:
        if phrase in lowered:
            return reason
    return None
