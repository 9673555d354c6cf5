"""Jobs of a Slurm: users and accounts that submit more than fits, so that some wait."""

import random
import threading

from tests.peers.slurm import SlurmCluster

_EVERY_S = 5.0
_ACCOUNTS = {
    "chemistry": ("root", 4),
    "climate": ("games", 4),
    "physics": ("backup", 2),
    "biology": ("news", 0),
}
"""Who submits for each account, of the users that every Debian has, and the GPUs on each node."""
_NODES = (1, 1, 2, 2, 4, 8)
_SECONDS = (30, 60, 120, 240)


def submit(cluster: SlurmCluster, stopping: threading.Event) -> None:
    """Submit a job at random every five seconds: the same ones at each run."""
    choose = random.Random(7).choice
    while not stopping.wait(_EVERY_S):
        account = choose(list(_ACCOUNTS))
        user, gpus = _ACCOUNTS[account]
        cluster.submit(
            f"--account={account}", f"--uid={user}", "--chdir=/", f"--nodes={choose(_NODES)}",
            "--ntasks-per-node=8", "--mem=1000", f"--gpus-per-node={gpus}",
            command=f"sleep {choose(_SECONDS)}",
        )  # fmt: skip
