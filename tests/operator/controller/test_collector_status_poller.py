"""The status of real collectors reaches the resource's status, by the EndpointSlices of the API server.

There is no kubelet: a hand does what one would. It says that a pod is ready, and where it answers,
and runs the exporter there on the documents that the operator made.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from rackwatt_operator.kube.resources import ENDPOINT_SLICE, ObjectKey
from tests.cluster.clients import Manifest
from tests.exporter.commands.exporter_process import running
from tests.operator.kube_user import OWN, KubeUser, base, binding, document, fleet, object_key

pytestmark = pytest.mark.usefixtures("operator")


def own_address() -> str:
    """Return this machine's own address: an EndpointSlice may not contain a loopback one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.250", 9))  # nothing is sent
        address: str = probe.getsockname()[0]
    assert not address.startswith("127."), "this machine has no address but loopback"
    return address


@contextmanager
def kubelet(kube_user: KubeUser, made: Manifest, folder: Path, *flags: str) -> Iterator[str]:
    """Run a collector of a document, say so as a kubelet and controllers would, and give its URL."""
    namespace, name = made["metadata"]["namespace"], base(made)
    config = kube_user.until(lambda: kube_user.get(ObjectKey("ConfigMap", namespace, name)))
    (folder / "documents.yaml").write_text(config["data"]["documents.yaml"])
    (folder / "secrets").mkdir(exist_ok=True)
    where = (f"--config.file={folder}/documents.yaml", f"--secrets.directory={folder}/secrets")
    with running("run", *where, f"--web.listen-address={own_address()}:0", *flags) as collector:
        line = collector.until_logged(lambda text: "listens on" in text)
        port = int(line.rpartition(" ")[2].strip().strip('"'))
        be_ready(kube_user, namespace, name)
        kube_user.apply(placed(namespace, name, port))
        yield f"http://{own_address()}:{port}"


def be_ready(kube_user: KubeUser, namespace: str, name: str) -> None:
    """Mark the document's pods as ready."""
    selector = f"app.kubernetes.io/instance={name}"
    deployments = kube_user.list("Deployment", namespace, labelSelector=selector)

    def pods() -> list[Manifest] | None:
        pods = kube_user.list("Pod", namespace, labelSelector=selector)
        return pods if len(pods) == len(deployments) else None

    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    for pod in kube_user.until(pods):
        kube_user.merge(object_key(pod), {"status": ready}, "status")


def placed(namespace: str, name: str, port: int) -> Manifest:
    """Return the EndpointSlice of a collector."""
    key, value = OWN.split("=")
    labels = {"kubernetes.io/service-name": name, key: value}
    return {
        "apiVersion": ENDPOINT_SLICE.api_version,
        "kind": ENDPOINT_SLICE.kind,
        "metadata": {"name": f"{name}-{port}", "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [own_address()], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": port}],
    }


def status(kube_user: KubeUser, one: ObjectKey) -> Any:
    return (kube_user.get(one) or {}).get("status") or {}


def _complete(written: Any) -> Any:
    return written if written.get("targets", {}).get("reachable") == 3 else None


def test_the_status_reports_targets_and_watts_of_the_collectors(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    made = kube_user.apply(fleet("lab", namespace, bmc={"fake": {"min": 200, "max": 200}}))
    one = object_key(made)
    with kubelet(kube_user, made, tmp_path):
        condition = kube_user.until_reason(one, "Ready", "Ready")
        assert condition["status"] == "True"
        written = kube_user.until(lambda: _complete(status(kube_user, one)), "all are polled")
        assert kube_user.conditions(one)["Ready"]["message"] == "3 of 3 targets respond"
        assert written["targets"] == {"configured": 3, "reachable": 3, "failing": 0}
        assert written["watts"] == 600
        assert "failingTargets" not in written
        events = kube_user.until(
            lambda: kube_user.list("Event", namespace, fieldSelector="reason=Ready")
        )
        assert events[0]["type"] == "Normal"
        assert events[0]["involvedObject"]["uid"] == made["metadata"]["uid"]


def test_the_status_reports_a_scrape_by_any_agent(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    made = kube_user.apply(fleet("lab", namespace))
    with kubelet(kube_user, made, tmp_path) as url:
        kube_user.until_reason(object_key(made), "Ready", "Ready")
        assert kube_user.conditions(object_key(made))["Scraped"]["status"] == "Unknown"
        agent = {"User-Agent": "vm_promscrape", "X-Prometheus-Scrape-Timeout-Seconds": "10"}
        httpx.get(f"{url}/metrics", trust_env=False)
        assert httpx.get(f"{url}/status", trust_env=False).json()["scraped"] is None
        httpx.get(f"{url}/metrics", headers=agent, trust_env=False)
        condition = kube_user.until_reason(object_key(made), "Scraped", "Scraped")
        assert (condition["status"], condition["message"]) == ("True", "by vm_promscrape")


def test_the_status_names_a_missing_secret_and_its_key(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    bmc = {
        "method": "ipmi",
        "credentials": {"secretRef": {"name": "bmc-login"}},
        "hosts": [{"names": "n[1-2]", "addresses": "127.0.0.[2-3]"}],
    }
    made = kube_user.apply(
        document(
            "PowerTarget", "racks", namespace, {"bmc": bmc, "interval": "1s", "timeout": "500ms"}
        )
    )
    one = object_key(made)
    with kubelet(kube_user, made, tmp_path):
        condition = kube_user.until_reason(one, "Accepted", "SecretMissing")
        assert "Secret bmc-login is missing or has no key username" in condition["message"]
        assert kube_user.conditions(one)["Ready"]["reason"] == "SecretMissing"
        written = kube_user.until(lambda: status(kube_user, one).get("failingTargets"))
        assert {each["reason"] for each in written} == {"credentials_missing"}
        kube_user.until(lambda: status(kube_user, one)["targets"]["failing"] == 2)


def test_the_status_of_a_binding_counts_nodes_by_state(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    states = [{"names": "n[1-3]", "state": "idle"}, {"names": "n[4-5]", "state": "down"}]
    made = kube_user.apply(binding("prod", namespace, noop={"states": states}))
    one = object_key(made)
    with kubelet(kube_user, made, tmp_path):
        condition = kube_user.until_reason(one, "Ready", "Ready")
        assert "5 nodes" in condition["message"]
        written = status(kube_user, one)
        assert written["nodes"] == {"total": 5, "states": {"idle": 3, "down": 2}}
        assert written["scheduler"] == "noop"
        assert written["lastContact"]


def test_the_status_aggregates_several_shards(
    kube_user: KubeUser, namespace: str, tmp_path: Path
) -> None:
    login = tmp_path / "secrets/bmc-login"
    login.mkdir(parents=True)
    for key in ("username", "password"):
        (login / key).write_text("monitor")
    dead = {
        "method": "ipmi",
        "ipmi": {"port": 9},
        "credentials": {"secretRef": {"name": "bmc-login"}},
        "names": "d[1-14]",
        "addresses": "127.86.4.[1-14]",
    }
    alive = {"method": "fake", "fake": {"min": 200, "max": 200}, "names": "n[1-5]"}
    bmc = {"shards": 2, "hosts": [alive, dead]}
    spec = {"bmc": bmc, "interval": "1s", "timeout": "500ms"}
    one = object_key(made := kube_user.apply(document("PowerTarget", "racks", namespace, spec)))
    kube_user.until(lambda: kube_user.get(ObjectKey("Deployment", namespace, "pt-racks-1")))
    with (
        kubelet(kube_user, made, tmp_path, "--shard=1/2") as first,
        kubelet(kube_user, made, tmp_path, "--shard=2/2") as second,
    ):
        kube_user.until_reason(one, "Ready", "Ready")
        whole = {"configured": 19, "reachable": 5, "failing": 14}
        written = kube_user.until(
            lambda: now if (now := status(kube_user, one)).get("targets") == whole else None,
            "all are polled",
            lambda: status(kube_user, one),
        )
        assert kube_user.conditions(one)["Ready"]["message"] == "5 of 19 targets respond"
        assert written["watts"] == 1000
        pages = [httpx.get(f"{url}/status?failing=99", timeout=60) for url in (first, second)]
        parts = [page.json()["failing"] for page in pages]
        down = [{each["node"] for each in part} for part in parts]
        assert down[0] | down[1] == {f"d{number}" for number in range(1, 15)}
        assert not down[0] & down[1]
        worst = {each["node"] for each in written["failingTargets"]}
        assert len(worst) == len(written["failingTargets"]) == 10
        assert all(worst & part for part in down)
        assert {each["reason"] for each in written["failingTargets"]} == {"connection_refused"}
