"""One real Slurm whose nodes are in as many states as can be had, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.peers.slurm import SlurmCluster

LONG_NAME = "a-node-whose-name-is-longer-than-twenty"
NAMES = f"n[1-16],{LONG_NAME}"

# How scontrol, the oracle, must spell the state of each node before a test looks at any of them.
TRUTH = {
    "n1": "IDLE",
    "n2": "ALLOCATED",
    "n3": "MIXED",
    "n4": "ALLOCATED+DRAIN",
    "n5": "IDLE+DRAIN",
    "n6": "IDLE+FAIL",
    "n7": "ALLOCATED+FAIL",
    "n8": "IDLE+COMPLETING",
    "n9": "IDLE+POWERED_DOWN",
    "n10": "IDLE+PLANNED",
    "n11": "MIXED+DRAIN",
    "n12": "IDLE+MAINTENANCE+RESERVED",
    "n13": "IDLE+RESERVED",
    "n14": "DOWN+REBOOT_ISSUED",
    "n15": "IDLE+NOT_RESPONDING",
    "n16": "ALLOCATED+NOT_RESPONDING",
    LONG_NAME: "ALLOCATED",
    "d1": "DOWN",
    "d2": "DOWN+DRAIN",
}
# What each of them must be read as, by whichever way.
WORDS = {
    "n1": "idle",
    "n2": "allocated",
    "n3": "mixed",
    "n4": "draining",
    "n5": "drained",
    "n6": "fail",
    "n7": "failing",
    "n8": "completing",
    "n9": "powered_down",
    "n10": "planned",
    "n11": "draining",
    "n12": "maintenance",
    "n13": "reserved",
    "n14": "rebooting",
    "n15": "not_responding",
    "n16": "allocated",
    LONG_NAME: "allocated",
    "d1": "down",
    "d2": "drained",
}

# What was measured on these is not known to be so now.
SILENT = {"n9", "n15", "n16"}

_STOPPED = ("n15", "n16")

# Why n6 and n7 are out of service: with column marks, and what looks like a line of sinfo.
REASON = 'dimm | n1|down|down|n1| "é" here'


@pytest.fixture(scope="session")
def stage() -> Iterator[SlurmCluster]:
    """A cluster whose nodes are as TRUTH says. Tests only look at it."""
    with SlurmCluster(NAMES, "d[1-2]", rest=True) as cluster:
        set_states(cluster)
        yield cluster


def set_states(cluster: SlurmCluster) -> None:
    """Bring the nodes NAMES, d1 and d2 of a cluster into the states of TRUTH."""
    for name in ("n4", "n7", "n8", "n16", LONG_NAME):
        cluster.allocate("-w", name, "-n8", "-J", name)
    cluster.submit("-w", "n2", "-n8", "-t", "60")
    for name in ("n3", "n11"):
        cluster.allocate("-w", name, "-n2")
    cluster.scontrol("update", "nodename=n4,n5,n11,d2", "state=drain", "reason=test")
    cluster.scontrol("update", "nodename=n6,n7", "state=fail", f"reason={REASON}")
    cluster.scontrol("update", "nodename=n9", "state=power_down")
    cluster.scontrol("reboot", "n14")
    for name in _STOPPED:
        cluster.stop_node(name)
    reserve = ("create", "reservation", "starttime=now", "duration=600", "user=root")
    cluster.scontrol(*reserve, "flags=maint", "nodes=n12")
    cluster.scontrol(*reserve, "nodes=n13")
    # A job that wants n10, which is free, and n2, which is not: n10 is planned for it.
    cluster.submit("-N2", "-w", "n2,n10", "-t", "60", "--exclusive")
    (cluster.directory / "hold-epilog").touch()
    cluster.cancel("-n", "n8")
    cluster.wait(lambda: _is_set(cluster), f"these states: {TRUTH}")


def _is_set(cluster: SlurmCluster) -> bool:
    """Return whether all states are there.

    A message that a slurmd sent before it was stopped may make its node respond once more.
    """
    truth = cluster.truth()
    for name in _STOPPED:
        if "NOT_RESPONDING" not in truth[name]:
            cluster.scontrol("update", f"nodename={name}", "state=noresp")
    return truth == TRUTH
