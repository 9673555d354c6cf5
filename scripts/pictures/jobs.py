"""Jobs of a Slurm: users and accounts that submit more than fits, so that some wait."""

import random
import threading

from tests.peers.slurm import SlurmCluster

_EVERY_S = 5.0
_ACCOUNTS = {"chemistry": "root", "climate": "games", "physics": "backup", "biology": "news"}
"""Who submits for each account: users that every Debian has."""
_NODES = (1, 1, 2, 2, 4, 8)
_SECONDS = (30, 60, 120, 240)


def submit(cluster: SlurmCluster, stopping: threading.Event) -> None:
    """Submit a job at random every five seconds: the same ones at each run."""
    choose = random.Random(7).choice
    while not stopping.wait(_EVERY_S):
        account = choose(list(_ACCOUNTS))
        gpus = ("--gpus-per-node=2",) if account == "physics" else ()
        cluster.submit(
            f"--account={account}", f"--uid={_ACCOUNTS[account]}", "--chdir=/",
            f"--nodes={choose(_NODES)}", "--ntasks-per-node=8", "--mem=1000", *gpus,
            command=f"sleep {choose(_SECONDS)}",
        )  # fmt: skip
