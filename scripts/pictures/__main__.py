"""Take the pictures of the documentation: `make pictures`, for a quarter of an hour.

Simulated fleets, the demo's node, their exporters and a Prometheus with the operator's rules run on
loopback until alerts fire. Debian's Chromium then takes the pages and the dashboards.
"""

import contextlib
import sys
import tempfile
import time
from pathlib import Path

from scripts.pictures import pages
from scripts.pictures.dashboards import grafana
from scripts.pictures.site import configuration
from scripts.pictures.stage import NODES, fleet_with_jobs, large_fleet, measured_node
from tests.peers.chromium import chromium
from tests.peers.prometheus import Prometheus, prometheus

PATIENCE_S = 30 * 60.0
FIRING = "RackwattTargetDown"  # the alert that takes longest


def main() -> int:
    """Run everything, wait for the alerts, take the pictures."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rackwatt-")))
        large = large_fleet(stack, directory / "large")
        jobs = fleet_with_jobs(stack, directory / "jobs")
        node = measured_node(stack, directory / "node")
        config = configuration(directory, (large, jobs, node))
        peer = stack.enter_context(prometheus(directory / "prometheus", config))
        since_s = time.time()
        panels = stack.enter_context(grafana(directory / "grafana", peer.url))
        wait_until_firing(peer)
        browser = stack.enter_context(chromium())
        pages.fleet(browser, f"http://{large.address}", NODES // 2)
        pages.node(browser, f"http://{node.address}")
        pages.alerts(browser, peer.url)
        for site, name, picture in (
            (jobs, "pt-simulated", "dashboard-fleet.png"),
            (jobs, "sb-simulated-queue", "dashboard-queue.png"),
            (node, "pt-node-energy", "dashboard-energy.png"),
        ):
            panels.take(browser, picture, site.dashboard(name), since_s)
    return 0


def wait_until_firing(peer: Prometheus) -> None:
    """Wait until all alerts of the fleet fire."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not peer.query(f'ALERTS{{alertname="{FIRING}",alertstate="firing",namespace="power"}}'):
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{FIRING} does not fire within {PATIENCE_S:.0f} s")
        time.sleep(5)


if __name__ == "__main__":
    sys.exit(main())
