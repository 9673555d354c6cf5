"""The cluster that other tests rely on: it comes, and it goes without leaving anything behind."""

import os
from pathlib import Path

import pytest

from tests.eventually import until
from tests.peers.gridengine import GridEngineCluster


def processes(directory: Path) -> list[str]:
    """Name every process whose environment names the cluster's directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environ, words = ((process / name).read_bytes() for name in ("environ", "cmdline"))
        except OSError:
            continue
        if str(directory).encode() in environ + words:
            found.append(words.decode(errors="replace").replace("\0", " "))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_a_grid_engine_leaves_nothing_behind_even_with_jobs_that_run() -> None:
    with GridEngineCluster("e1") as cluster:
        cluster.add_queue("all.q", "e1")
        cluster.submit()
        cluster.wait(lambda: any("sleep 1000" in line for line in processes(cluster.directory)))
    until(lambda: not processes(cluster.directory))
    assert not cluster.directory.exists()
