"""`kubectl proxy --api-prefix`: the real API server under a path, as Rancher and Teleport have it."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.cluster import Cluster, write_kubeconfig
from tests.cluster.daemon import Daemon

PREFIX = "/k8s/clusters/c-m-abc"
_SERVES = re.compile(r"Starting to serve on (\S+)")


@contextmanager
def under_a_path(cluster: Cluster, prefix: str = PREFIX) -> Iterator[Path]:
    """Run it while the block lasts; yields a kubeconfig that leads there, as the cluster's user."""
    log = cluster.directory / f"kubectl-proxy-{secrets.token_hex(4)}.log"
    command = [*cluster.command("kubectl"), f"--kubeconfig={cluster.kubeconfig}", "proxy"]
    proxy = Daemon([*command, "--port=0", f"--api-prefix={prefix}/"], log)
    proxy.start()
    try:
        proxy.wait_until(lambda: bool(_SERVES.search(log.read_text())), "an address")
        served = _SERVES.search(log.read_text())
        assert served
        path = log.with_suffix(".kubeconfig")
        write_kubeconfig(path, {"server": f"http://{served[1]}{prefix}"}, {})
        yield path
    finally:
        proxy.stop()
