"""Our own CRDs, as people install them."""

from pathlib import Path

from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster

CRDS = Path(__file__).parents[2] / "crds"


def install(cluster: Cluster) -> str:
    """Install them as docs/install.md says, wait until they are served, and give what was told."""
    kubectl = Kubectl(cluster)
    told = kubectl.run("apply", "--server-side", f"--filename={CRDS}")
    # `wait` does not bear objects that have no status yet.
    established = ("wait", "--for=condition=Established", "--timeout=120s", f"--filename={CRDS}")
    kubectl.until(lambda k: k.run(*established))
    # What kubectl remembers of the kinds there are may be older: this has it ask anew.
    kubectl.until(lambda k: k.run("api-resources", "--api-group=rackwatt.dev").count("\n") == 3)
    return told
