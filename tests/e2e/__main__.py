"""Run Rackwatt on a real Kubernetes node; E2E_KEEP=1 keeps the node until Ctrl-C."""

import os
import signal
import sys
import traceback

from scripts.tools import directory
from tests.e2e import node_steps, rackwatt_steps
from tests.e2e.netns_host import Machine
from tests.e2e.node import Node
from tests.e2e.run_report import Account


def main() -> int:
    """Take every step; tell what may explain the one that fails."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    account = Account()
    with Machine() as machine:
        node = Node(machine, directory())
        try:
            node_steps.take(node, account)
            rackwatt_steps.take(node, account)
        except Exception:
            traceback.print_exc()
            print(node.diagnosis())
        if os.environ.get("E2E_KEEP"):
            print("kept:", *node.command("kubectl"), f"--kubeconfig={node.kubeconfig}", flush=True)
            signal.pause()
    account.close()
    return 1 if account.failed else 0


if __name__ == "__main__":
    sys.exit(main())
