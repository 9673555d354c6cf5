"""One real Grid Engine whose hosts are in as many states as can be had, for all tests here."""

import os
from collections.abc import Iterator

import pytest

from tests.peers.gridengine import GridEngineCluster

# How qstat's table, the oracle, must spell each queue instance before a test looks at any.
LETTERS = {
    "all.q@e1": "",
    "all.q@e2": "",
    "all.q@e3": "d",
    "all.q@e4": "d",
    "bad.q@e5": "E",
    "bad.q@e6": "E",
    "all.q@e7": "s",
    "hot.q@e8": "a",
    "all.q@e9": "d",
    "other.q@e9": "",
    "all.q@e10": "u",
    "all.q@dead": "u",
}
# What each host must be read as: it has jobs where a number of slots follows.
STATES = {
    "e1": ("idle", 0),
    "e2": ("allocated", 4),
    "e3": ("draining", 1),
    "e4": ("drained", 0),
    "e5": ("error", 0),
    "e6": ("failing", 1),
    "e7": ("allocated", 1),
    "e8": ("load_alarm", 0),
    "e9": ("idle", 0),
    "e10": ("not_responding", 1),
    "dead": ("not_responding", 0),
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[GridEngineCluster]:
    """A cluster whose hosts are as LETTERS and STATES say. Tests only look at it."""
    if os.geteuid() != 0:
        pytest.skip("hosts of Grid Engine are namespaces, which only root makes")
    with GridEngineCluster("e[1-10]", "dead") as cluster:
        _add_queues(cluster)
        _submit_jobs(cluster)
        _set_states(cluster)
        cluster.wait(lambda: cluster.letters() == LETTERS)
        yield cluster


def _add_queues(cluster: GridEngineCluster) -> None:
    cluster.add_project("fusion")
    cluster.add_queue("all.q", "e[1-4],e7,e[9-10],dead", slots="4")
    cluster.add_queue("bad.q", "e[5-6]", slots="4")
    cluster.add_queue("hot.q", "e8", load_thresholds="mem_used=1K")
    cluster.add_queue("other.q", "e9", slots="2")
    up = dict.fromkeys(LETTERS, "") | {"all.q@dead": "u", "hot.q@e8": "a"}
    cluster.wait(lambda: cluster.letters() == up)


def _submit_jobs(cluster: GridEngineCluster) -> None:
    """Submit jobs 1 to 9; those that can run do before this returns."""
    cluster.submit("-q", "all.q@e2", "-t", "3-7:2")
    cluster.submit("-q", "all.q@e2,all.q@e3", "-pe", "mpi", "2", "-P", "fusion")
    for queue in ("bad.q@e6", "all.q@e7", "all.q@e10"):
        cluster.submit("-q", queue)
    cluster.wait(lambda: cluster.qstat("-u", "*", "-s", "r").count(" r ") == 7)
    cluster.submit("-h", "-N", 'a&b<c>"', "-q", "other.q,*.q")
    cluster.submit("-t", "1-10:3", "-pe", "smp", "99", "-q", "other.q@e9")


def _set_states(cluster: GridEngineCluster) -> None:
    cluster.qmod("-d", "all.q@e3,all.q@e4,all.q@e9")
    cluster.qmod("-s", "all.q@e7")
    cluster.change_queue("bad.q", "prolog", "/bin/false")
    for host in ("e5", "e6"):
        cluster.submit("-q", f"bad.q@{host}")
    cluster.kill_execd("e10")
