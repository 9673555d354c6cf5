"""Run Rackwatt on a real Kubernetes node; E2E_KEEP=1 keeps the node until Ctrl-C."""

import os
import signal
import sys
import traceback

from scripts.tools import directory
from tests.e2e import node_steps, rackwatt_steps
from tests.e2e.netns_host import Machine
from tests.e2e.node import Node
from tests.e2e.run_report import RunReport


def main() -> int:
    """Run every step, and print a diagnosis of the one that fails."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = RunReport()
    with Machine() as machine:
        node = Node(machine, directory())
        try:
            node_steps.run(node, report)
            rackwatt_steps.run(node, report)
        except Exception:
            traceback.print_exc()
            print(node.diagnosis())
        if os.environ.get("E2E_KEEP"):
            print("kept:", *node.command("kubectl"), f"--kubeconfig={node.kubeconfig}", flush=True)
            signal.pause()
    report.close()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
