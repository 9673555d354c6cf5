"""What a new kind takes: the files that CONTRIBUTING.md names, and no other.

A copy of the source gets a toy of each kind. Its programs then know it everywhere: metrics, status,
both `check` commands, the pages, the operator's plan, the CRDs and the reference.
"""

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from rackwatt_crds.kinds import METHODS, SCHEDULERS
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_operator.status.collector_status import aggregate, parse
from tests.exporter.commands.exporter_process import Running, running
from tests.peers.chromium import chromium
from tests.toys.collector import COLLECTOR
from tests.toys.method import METHOD
from tests.toys.provider import PROVIDER
from tests.toys.scheduler import SCHEDULER
from tests.toys.toy import ROOT, Overlay, Toy

TOYS = (METHOD, SCHEDULER, PROVIDER, COLLECTOR)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
RECIPE = re.compile(r"^\*\*(.+?)\*\*.*?\n\n(.*?)(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:crds|exporter|operator|scripts|docs)/[\w/]+\.\w+)`")

PAGES = sorted(
    path
    for path in (ROOT / "exporter/rackwatt_exporter/web").rglob("*")
    if path.suffix in (".py", ".js", ".html")
)

ANSWERS = {b"password": b"321.5", b"token": b"n1 allocated\nn2 idle\n", b"FR": b"56"}
RESOURCES = """
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: fleet}}
spec:
  interval: 200ms
  schedulerRef: {{name: prod}}
  bmc:
    method: toy
    credentials: {{secretRef: {{name: toy-bmc}}}}
    toy: {{port: {port}}}
    hosts: [{{names: n1, address: 127.0.0.1, rack: r1}}]
---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec: {{interval: 200ms, node: {{collectors: [toy]}}}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: zone}}
spec: {{interval: 200ms, grid: {{zone: FR, toy: {{url: "http://127.0.0.1:{port}"}}}}}}
---
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  interval: 200ms
  cluster: c
  toy: {{host: 127.0.0.1, port: {port}, tokenSecretRef: {{name: toy-token, key: token}}}}
"""


class ToyPeer(socketserver.StreamRequestHandler):
    """The other side of the toys: it answers a line with what it knows of it."""

    def handle(self) -> None:
        self.wfile.write(ANSWERS[self.rfile.readline().strip()])


class Site(NamedTuple):
    """The copy with all toys, and resources that choose them."""

    overlay: Overlay
    resources: Path
    port: int
    flags: tuple[str, ...]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("toys")
    for name, text in (
        ("secrets/toy-bmc/password", "password"), ("secrets/toy-token/token", "token"),
        ("proc/uptime", "4242.5 1000.0\n"),
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), ToyPeer) as peer:
        threading.Thread(target=peer.serve_forever, daemon=True).start()
        port = peer.server_address[1]
        resources = root / "resources.yaml"
        resources.write_text(RESOURCES.format(port=port))
        flags = (
            f"--secrets.directory={root / 'secrets'}", f"--path.procfs={root / 'proc'}",
            "--node.name=here",
        )  # fmt: skip
        yield Site(Overlay(root / "source", TOYS), resources, port, flags)
        peer.shutdown()


@pytest.fixture(scope="module")
def exporter(site: Site) -> Iterator[Running]:
    with running(
        "run", f"--config.file={site.resources}", "--web.listen-address=127.0.0.1:0", *site.flags,
        **site.overlay.environment,
    ) as run:  # fmt: skip
        run.until_served(lambda text: text == "ready\n", "/readyz")
        yield run


@pytest.fixture(scope="module")
def manifests(site: Site) -> dict[str, Any]:
    """Return what the operator makes of the resources, by kind and name."""
    text = site.overlay.run("rackwatt_operator", "render", site.resources)
    made = [one for one in yaml.safe_load_all(text) if one]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in made}


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.recipe)
def test_a_recipe_names_the_very_files_of_its_toy(toy: Toy) -> None:
    steps = dict(RECIPE.findall(CONTRIBUTING))[toy.recipe]
    assert {name.replace("NAME", "toy") for name in FILE.findall(steps)} == toy.files


def test_the_exporters_check_reads_every_toy(site: Site) -> None:
    output = site.overlay.run("rackwatt_exporter", "check", site.resources, *site.flags)
    rows = [line.split()[:4] for line in output.splitlines()[1:-1]]
    assert rows == [
        ["n1", "127.0.0.1", "toy", "321.5"],
        ["prod", "127.0.0.1", "toy/tcp", "-"],
        ["here", "-", "toy", "-"],
        ["FR", "-", "toy", "-"],
    ]
    counts = "1 target, 1 scheduler, 1 collector, 1 grid, 0 problems: 4 read, 0 failed"
    assert output.splitlines()[-1] == counts


def test_the_metrics_have_every_toy(exporter: Running) -> None:
    lines = exporter.get("/metrics").splitlines()
    for line in (
        'rackwatt_node_power_watts{node="n1",type="compute",rack="r1"} 321.5',
        'rackwatt_scheduler_nodes{scheduler="prod",cluster="c",state="allocated"} 1',
        'rackwatt_node_toy_uptime_seconds{node="here"} 4242.5',
        'rackwatt_collector_up{node="here",collector="toy"} 1',
        'rackwatt_grid_up{zone="FR",provider="toy"} 1',
    ):
        assert line in lines


def test_the_status_has_every_toy(exporter: Running) -> None:
    status = json.loads(exporter.get("/status"))
    assert json.loads(exporter.get("/status?node=n1"))["method"] == "toy"
    assert status["schedulers"][0]["nodes"] == {"allocated": 1, "idle": 1}
    assert (status["collectors"][0]["collector"], status["collectors"][0]["up"]) == ("toy", True)
    assert (status["grids"][0]["provider"], status["grids"][0]["up"]) == ("toy", True)


def test_the_operators_status_counts_every_toy(exporter: Running) -> None:
    status = aggregate([parse(exporter.get("/status").encode())], 10)
    assert (status.configured, status.reachable, status.failing, status.watts) == (3, 3, 0, 321.5)
    assert [one.nodes for one in status.schedulers] == [{"allocated": 1, "idle": 1}]


def test_the_operators_status_names_every_toy_that_fails(site: Site, tmp_path: Path) -> None:
    for name in ("toy-bmc", "toy-token"):
        (tmp_path / name).mkdir()
    with running(
        "run", f"--config.file={site.resources}", "--web.listen-address=127.0.0.1:0",
        f"--secrets.directory={tmp_path}", f"--path.procfs={tmp_path}", "--node.name=here",
        **site.overlay.environment,
    ) as run:  # fmt: skip
        run.until_served(lambda text: text == "ready\n", "/readyz")
        status = aggregate([parse(run.get("/status").encode())], 10)
    failing = {(one.node, one.reason) for one in status.failing_targets}
    assert failing == {("n1", "credentials_missing"), ("here", "absent")}
    assert [one.reason for one in status.schedulers] == ["credentials_missing"]
    assert [one.secret for one in status.secrets_missing] == ["toy-bmc", "toy-token"]


def test_no_page_names_a_kind() -> None:
    kinds = {*METHODS, *SCHEDULERS, *REQUIREMENTS} - {"exporter", "memory"}
    assert len(PAGES) > 30
    comments_and_examples = re.compile(r"(?<!:)//.*|#.*|(?s:<pre>.*?</pre>)")
    code = {path: comments_and_examples.sub("", path.read_text()) for path in PAGES}
    named = {path.name: kinds.intersection(re.findall(r"\w+", text)) for path, text in code.items()}
    assert {name: found for name, found in named.items() if found} == {}


def test_the_plain_list_has_every_toy(exporter: Running) -> None:
    text = exporter.get("/plain")
    for words in (
        "<td>toy</td>", "Scheduler prod (toy/tcp): 1 allocated, 1 idle.",
        "Collector here (toy): read.", "Grid FR (toy): 56 g/kWh.",
    ):  # fmt: skip
        assert words in text


def test_the_fleet_page_has_every_toy(exporter: Running) -> None:
    with chromium() as browser:
        browser.open(exporter.url)
        browser.until(lambda: browser.count(".tile.known:not(.key *)") == 1)
        names = "return [...document.querySelectorAll('.list .name')].map((e) => e.textContent)"
        assert browser.run(names) == ["prod (toy/tcp)", "here (toy)", "FR (toy)"]
        assert browser.text("#states").startswith("allocated1322 W")
        browser.press("/", "method:toy")
        browser.until(lambda: browser.count(".list li") == 2)
        assert browser.count(".racks .tile") == 1


def test_the_operators_plan_lets_every_toy_out_and_gives_it_its_secret(
    site: Site, manifests: dict[str, Any]
) -> None:
    for name, secret in (("pt-fleet", "toy-bmc"), ("sb-prod", "toy-token"), ("pt-zone", None)):
        rules = manifests[f"NetworkPolicy/{name}"]["spec"]["egress"]
        ports = [port for rule in rules for port in rule.get("ports", ())]
        assert {"protocol": "TCP", "port": site.port} in ports
        volumes = manifests[f"Deployment/{name}-0"]["spec"]["template"]["spec"]["volumes"]
        secrets = [one["secret"]["secretName"] for one in volumes if "secret" in one]
        assert secrets == ([secret] if secret else [])


def test_the_operators_plan_grants_a_toy_collector_what_it_requires(
    manifests: dict[str, Any],
) -> None:
    pod = manifests["DaemonSet/pt-nodes"]["spec"]["template"]["spec"]
    assert [one["hostPath"]["path"] for one in pod["volumes"] if "hostPath" in one] == ["/proc"]
    (container,) = pod["containers"]
    assert "--path.procfs=/host/proc" in container["args"]
    context = {**pod["securityContext"], **container["securityContext"]}
    assert context["runAsUser"] == 0
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["SYSLOG"]}


def test_the_operators_check_explains_every_toy(site: Site) -> None:
    output = site.overlay.run("rackwatt_operator", "check", site.resources)
    for words in (
        "1 target (1 toy)", "the node states of cluster c, from toy/tcp",
        "each node from inside, by toy", "the carbon intensity of FR, from toy",
        "toys log", "the time is in /proc/uptime", "toys are owned by root",
        "Secret toy-bmc", "Secret toy-token", f"TCP {site.port}",
    ):  # fmt: skip
        assert words in output


def test_the_crds_and_the_reference_have_every_toy(site: Site) -> None:
    root = site.overlay.root
    site.overlay.run("scripts.crds")
    site.overlay.run("scripts.docs")
    target, binding = (
        yaml.safe_load((root / f"crds/{kind}.rackwatt.dev.yaml").read_text())
        for kind in ("powertargets", "schedulerbindings")
    )
    bmc, node, grid = (properties(target, "spec", kind) for kind in ("bmc", "node", "grid"))
    assert "toy" in bmc["method"]["enum"]
    assert "toy" in bmc.keys() & grid.keys() & properties(binding, "spec").keys()
    assert "toy" in node["collectors"]["items"]["enum"]
    reference = (root / "docs/documents.md").read_text()
    for heading in (
        "PowerTarget.spec.bmc.toy",
        "PowerTarget.spec.grid.toy",
        "SchedulerBinding.spec.toy",
    ):
        assert f"### {heading}\n" in reference
    assert "`rackwatt_node_toy_uptime_seconds`" in (root / "docs/metrics.md").read_text()


def properties(crd: Any, *path: str) -> dict[str, Any]:
    part = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for name in path:
        part = part["properties"][name]
    return dict(part["properties"])
