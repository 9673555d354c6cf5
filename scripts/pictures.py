"""Take the pictures of the documentation: `make pictures`, for a quarter of an hour.

A simulated fleet, the demo's node, their exporters and a Prometheus with the operator's rules run
on loopback until alerts fire. Debian's Chromium then takes the fleet page, the page of the node,
Prometheus' page of alerts, and its graph of the query behind a panel of the operator's dashboard.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.demo.node import node
from tests.peers.chromium import Browser, chromium
from tests.peers.ports import free_port
from tests.peers.prometheus import Prometheus, prometheus

DOCS = Path(__file__).parents[1] / "docs"
PROGRAMS = Path(sys.executable).parent
NODES = 1440
FAULTS = """faults:
  - {hosts: "cn[102-104]", dead: true}
  - {hosts: "cn[522-524]", wrongCredentials: true}
  - {hosts: "gn[017-018]", certificate: expired}
  - {hosts: "cn[600-605]", poweredOff: true}
"""
PATIENCE_S = 30 * 60.0
FIRING = "RackwattTargetDown"  # the alert that takes longest
UNFOLDED = "RackwattAccessRefused"
_UNFOLD = """
const rows = [...document.querySelectorAll("#alertsTable > tbody > tr")];
rows.filter((row) => !row.className).forEach((row) => row.hidden = true);
rows.find((row) => row.textContent.includes(arguments[0])).click();
document.querySelector("div.show-annotations").click();
document.querySelectorAll("pre").forEach((rule) => rule.style.whiteSpace = "pre-wrap");
"""
_SHOW_QUERY = """
const query = document.querySelector("textarea");
query.blur();
query.style.height = `${query.scrollHeight}px`;
"""
PANEL = "Power by state"
MAX_BYTES = 200_000


def main() -> int:
    """Run everything, wait for the alerts, take the pictures."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rackwatt-")))
        exporter = f"127.0.0.1:{free_port()}"
        simulate(stack, directory)
        resources = directory / "documents"
        start(
            stack, "rackwatt-exporter", "run", f"--config.file={resources}",
            f"--secrets.directory={directory / 'secrets'}", f"--web.listen-address={exporter}",
        )  # fmt: skip
        inside = measure_node(stack, directory / "node")
        manifests = rendered(resources)
        config = configuration(directory, manifests, exporter)
        peer = stack.enter_context(prometheus(directory / "prometheus", config))
        wait_until_firing(peer)
        browser = stack.enter_context(chromium())
        fleet(browser, f"http://{exporter}/#node=cn522")
        node_page(browser, f"http://{inside}/node")
        alerts(browser, f"{peer.url}/classic/alerts")
        graph(browser, f"{peer.url}/classic/graph", query(manifests))
    return 0


def simulate(stack: contextlib.ExitStack, directory: Path) -> None:
    """Start the fleet, and wait until its resources are written."""
    scenario = directory / "scenario.yaml"
    scenario.write_text(FAULTS)
    start(
        stack, "rackwatt-exporter", "simulate", f"--nodes={NODES}", f"--directory={directory}",
        f"--scenario={scenario}",
    )  # fmt: skip
    while not (directory / "secrets/bmc-ca/ca.crt").exists():
        time.sleep(0.2)


def measure_node(stack: contextlib.ExitStack, directory: Path) -> str:
    """Start the demo's node and an exporter inside it; return its address."""
    directory.mkdir()
    machine, address = stack.enter_context(node(directory)), f"127.0.0.1:{free_port()}"
    start(
        stack, "rackwatt-exporter", "run", f"--config.file={directory / 'documents'}",
        f"--web.listen-address={address}", *machine.arguments,
    )  # fmt: skip
    return address


def start(stack: contextlib.ExitStack, program: str, *arguments: str) -> None:
    """Run a program until the stack is left."""
    process = subprocess.Popen([PROGRAMS / program, *arguments, "--log.level=error"])
    stack.callback(process.wait)
    stack.callback(process.terminate)


def rendered(resources: Path) -> dict[tuple[str, str], Any]:
    """Return what the operator would create, by kind and name."""
    program = PROGRAMS / "rackwatt-operator"
    command: list[str | Path] = [program, "render", "--namespace=power", resources]
    manifests = yaml.safe_load_all(subprocess.check_output(command))
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}


def query(manifests: Mapping[tuple[str, str], Any]) -> str:
    """Return the query of a panel of the operator's dashboard."""
    (dashboard,) = manifests["ConfigMap", "pt-simulated-dashboard"]["data"].values()
    panels = {panel["title"]: panel for panel in json.loads(dashboard)["panels"]}
    (target,) = panels[PANEL]["targets"]
    return str(target["expr"])


def configuration(
    directory: Path, manifests: Mapping[tuple[str, str], Any], exporter: str
) -> dict[str, Any]:
    """Configure Prometheus with the rules that the operator would create, and their labels."""
    rules = directory / "rules.yaml"
    rules.write_text(yaml.safe_dump(manifests["PrometheusRule", "pt-simulated"]["spec"]))
    labels = {"namespace": "power", "service": "pt-simulated", "pod": "pt-simulated-0"}
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {
                "job_name": "pt-simulated",
                "honor_labels": True,
                "static_configs": [{"targets": [exporter], "labels": labels}],
            }
        ],
    }


def wait_until_firing(peer: Prometheus) -> None:
    """Wait until all alerts of the fleet fire."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not peer.query(f'ALERTS{{alertname="{FIRING}",alertstate="firing"}}'):
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{FIRING} does not fire within {PATIENCE_S:.0f} s")
        time.sleep(5)


def fleet(browser: Browser, url: str) -> None:
    """Take the fleet page with a target that fails."""
    resize(browser, 1500, 850)
    browser.open(url)
    browser.until(lambda: browser.count(".tile.known") > NODES / 2)
    browser.until(lambda: "auth_failed" in browser.text("body"))
    save(browser, "fleet.png")


def node_page(browser: Browser, url: str) -> None:
    """Take the page of a node, with the jobs of its last minutes."""
    resize(browser, 1500, 850)
    browser.open(url)
    browser.until(lambda: browser.count("#plot polygon") > 2)
    save(browser, "node.png")


def alerts(browser: Browser, url: str) -> None:
    """Take Prometheus' page of alerts, one of them unfolded; the temporary path is hidden."""
    resize(browser, 1350, 1000)
    browser.open(url)
    browser.until(lambda: browser.count(".alert_header") > 0)
    browser.run(_UNFOLD, UNFOLDED)
    browser.until(lambda: browser.count(".alert_annotations") > 0)
    save(browser, "alerts.png")


def graph(browser: Browser, url: str, expression: str) -> None:
    """Take Prometheus' page of graphs with a stacked graph of a query."""
    resize(browser, 1200, 960)
    panel = {"expr": expression, "tab": 0, "stacked": 1, "range_input": "10m", "step_input": 5}
    parameters = {f"g0.{key}": value for key, value in panel.items()}
    browser.open(f"{url}?{urllib.parse.urlencode(parameters)}")
    browser.until(lambda: browser.count(".rickshaw_graph svg") == 1)
    browser.run(_SHOW_QUERY)
    save(browser, "graph.png")


def resize(browser: Browser, width: int, height: int) -> None:
    """Give the page a size, without scroll bars."""
    browser.devtools("Emulation.setScrollbarsHidden", hidden=True)
    browser.devtools(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=height, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip


def save(browser: Browser, name: str) -> None:
    """Write a picture, as PNG of few enough bytes for a repository."""
    time.sleep(2)  # what is drawn settles
    path = DOCS / name
    path.write_bytes(browser.driver.get_screenshot_as_png())
    print(f"{path.name}: {path.stat().st_size} bytes")
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path.name} has more than {MAX_BYTES} bytes")


if __name__ == "__main__":
    sys.exit(main())
