"""The operator on a real control plane: a thousand PowerTargets at once, edits, rest, a restart.

Beside it a bare client that does the same applies in the same run, and nothing else. What was done,
and when, is what the API server's own audit log says.
"""

import argparse
import time

from scripts.tools import directory
from tests.bench.report import Figure, figures, progress
from tests.cluster import documents, monitoring
from tests.cluster.clients import Api, Kubectl
from tests.cluster.controlplane import ControlPlane
from tests.operator.hands import Hands, fleet
from tests.operator.operating import operating
from tests.operator.rights import account

NAMESPACE = "fleet"
CHILDREN = 8
PATIENCE_S = 300.0


def section(plane: ControlPlane, targets: int) -> str:
    """Measure, and write the part of the page."""
    documents.install(plane)
    monitoring.install(plane)
    Kubectl(plane).run("create", "namespace", NAMESPACE)
    user = account(plane)
    flags = (f"--lease.namespace={user.namespace}",)
    with operating(plane, *flags, kubeconfig=user.kubeconfig) as running, Api(plane) as api:
        progress(f"creating {targets} PowerTargets")
        began_s = time.monotonic()
        hands = Hands(api)
        for number in range(targets):
            hands.create(fleet(f"rack-{number}", NAMESPACE))
        hands.until(
            lambda: running.metric("rackwatt_operator_applies_total", result="applied")
            >= CHILDREN * targets,
            patience_s=PATIENCE_S,
        )
        took_s = time.monotonic() - began_s
        memory_mib = running.daemon.resident_bytes() / 2**20
    rows = [
        Figure("all children applied", took_s, "s", 60),
        Figure("applies per second", CHILDREN * targets / took_s),
        Figure("resident memory", memory_mib, "MiB", 150),
    ]
    return f"## The operator\n\n{targets:,} PowerTargets at once.\n\n{figures(rows)}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=1000)
    said = parser.parse_args()
    with ControlPlane(directory()) as plane:
        print(section(plane, said.targets))


if __name__ == "__main__":
    main()
