"""Installation of Rackwatt's CRDs, as users do it."""

from pathlib import Path

from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster

CRDS = Path(__file__).parents[2] / "crds"


def install(cluster: Cluster) -> str:
    """Install them as docs/install.md says, wait until they are served, and return the output."""
    kubectl = Kubectl(cluster)
    output = kubectl.run("apply", "--server-side", f"--filename={CRDS}")
    # `wait` fails for objects that have no status yet.
    established = ("wait", "--for=condition=Established", "--timeout=120s", f"--filename={CRDS}")
    kubectl.until(lambda k: k.run(*established))
    # kubectl may have an older discovery cache: this refreshes it.
    kubectl.until(lambda k: k.run("api-resources", "--api-group=rackwatt.dev").count("\n") == 3)
    return output
