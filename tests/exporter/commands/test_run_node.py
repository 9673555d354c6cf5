"""The real command measuring a node from inside, on a tree whose counters the test changes."""

import importlib.metadata
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from tests.exporter.collectors.node_tree import NodeTree
from tests.exporter.collectors.powercap import LAPTOP, XEON, Powercap
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.targets.redfish import shapes as shapes
from tests.exporter.targets.redfish.fleet import write_secrets
from tests.peers.sushy import sushy

LISTEN = "--web.listen-address=127.0.0.1:0"
DOCUMENTS = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec: {{interval: 500ms, node: {{collectors: [{collectors}]}}}}
"""
UNPRIVILEGED_UID = 65534
# What `import aiohttp` gives users of its client, in a process that has its server.
CLIENT = """
import gc, ssl, sys, rackwatt_exporter.commands.run
assert "aiohttp.client" not in sys.modules
assert not any(isinstance(one, ssl.SSLContext) for one in gc.get_objects())
import aiohttp, aiohttp.web
served, version = aiohttp.web, aiohttp.__version__
from aiohttp import ClientSession
assert ClientSession is sys.modules["aiohttp.client"].ClientSession
assert aiohttp.web is served and aiohttp.__version__ == version
try:
    aiohttp.nothing
except AttributeError:
    print(version)
"""
# As the operator runs it: uid 0, and nothing else of root.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def arguments(directory: Path, collectors: str = "rapl, cpu") -> list[str]:
    (directory / "documents").mkdir(exist_ok=True)
    (directory / "documents/nodes.yaml").write_text(DOCUMENTS.format(collectors=collectors))
    return [
        "run",
        f"--config.file={directory}/documents",
        f"--state.directory={directory}/state",
        f"--path.sysfs={directory}/sys",
        "--node.name=n17",
        LISTEN,
    ]


# A driver is imported when a document names it, a command when it is the one: megabytes, on each node.
NEEDLESS = re.compile(
    r"(aiohttp\.client|bcrypt|cryptography|difflib|httpx|kopf|kubernetes|prometheus_client|pyghmi|pysmi|pysnmp"
    r"|encodings\.idna|importlib\.metadata|importlib\.resources\._common"
    r"|rackwatt_operator|rackwatt_exporter\.(capture|protocols|recording|simulator)"
    r"|rackwatt_exporter\.commands\.(check|record|replay|simulate)"
    r"|rackwatt_exporter\.targets\.(ipmi|redfish|snmp|fake)\w*)(\.|$)"
)


def samples(text: str, family: str) -> dict[str, float]:
    """Values by the last label of each line of a family."""
    found = re.findall(rf'^{family}\{{.*"([^"]*)"\}} (\S+)$', text, re.MULTILINE)
    return {label: float(value) for label, value in found}


def joules(run: Running) -> dict[str, float]:
    return samples(run.get("/metrics"), "rackwatt_node_domain_energy_joules_total")


def collector(run: Running, name: str) -> dict[str, object]:
    collectors = json.loads(run.get("/status"))["collectors"]
    return next(one for one in collectors if one["collector"] == name)


def read_again(run: Running, name: str = "rapl", times: int = 2) -> None:
    """Wait until a collector was read from beginning to end since now."""
    so_far = json.loads(run.get("/status"))["collectors"]
    least = next(one["reads"] for one in so_far if one["collector"] == name) + times

    def is_reported(text: str) -> bool:
        return any(
            one["collector"] == name and one["reads"] >= least
            for one in json.loads(text)["collectors"]
        )

    run.until_served(is_reported, "/status")


def up(name: str, value: int) -> Callable[[str], bool]:
    return lambda text: f'rackwatt_collector_up{{node="n17",collector="{name}"}} {value}' in text


def test_joules_of_every_zone_are_exposed_and_go_on_through_wraps(tmp_path: Path) -> None:
    tree = Powercap(tmp_path / "sys", XEON)
    tree.show(intel_rapl_0=262_100.0, intel_rapl_0_0=1000.0, intel_rapl_1=7.0, intel_rapl_1_0=0.5)
    with running(*arguments(tmp_path)) as run:
        run.until_served(up("rapl", 1), "/metrics")
        tree.show(intel_rapl_0=20.0, intel_rapl_0_0=1010.0, intel_rapl_1=57.0)
        read_again(run)
        page = run.get("/metrics")
        assert joules(run) == {
            "package-0": pytest.approx(262143.32885 - 262100 + 20),
            "package-0/dram": pytest.approx(10.0),
            "package-1": pytest.approx(50.0),
            "package-1/dram": 0.0,
        }
        covered = samples(page, "rackwatt_node_domain_energy_covered_seconds_total")
        assert covered["package-0"] > 0
        assert covered["package-1/dram"] == 0.0
        assert samples(page, "rackwatt_node_cpu_seconds_total")["user"] > 0
        assert samples(page, "rackwatt_node_cpus") == {"n17": os.cpu_count()}
        assert run.stop() == 0


def test_watts_are_joules_over_time_and_no_domain_is_counted_twice(tmp_path: Path) -> None:
    tree, shown = Powercap(tmp_path / "sys", LAPTOP), itertools.count(1.0)

    def move() -> None:
        now = next(shown)
        tree.show(
            intel_rapl_0=now, intel_rapl_0_0=now / 2, intel_rapl_1=2 * now,
            intel_rapl_mmio_0=now, intel_rapl_mmio_0_0=now / 5,
        )  # fmt: skip

    def moved(text: str) -> bool:
        move()
        return len(samples(text, "rackwatt_node_domain_power_watts")) == 4

    def known(text: str) -> bool:
        move()
        return json.loads(text)["powertargets"]["nodes"]["watts"] is not None

    with running(*arguments(tmp_path, "rapl")) as run:
        page = run.until_served(moved, "/metrics")
        power = samples(page, "rackwatt_node_domain_power_watts")
        assert set(power) == {"package-0", "package-0/core", "package-0/dram", "psys"}
        assert set(joules(run)) == {*power, "package-0/uncore"}  # which does not grow
        assert all(watts > 0 for watts in power.values())
        assert "mmio" not in page
        status = json.loads(run.until_served(known, "/status"))
        (rapl,), counts = status["collectors"], status["powertargets"]["nodes"]
        assert rapl["watts"] == counts["watts"] == status["targets"]["watts"]


def test_joules_go_on_after_a_stop_a_kill_and_a_counter_that_restarted(tmp_path: Path) -> None:
    tree = Powercap(tmp_path / "sys", {"intel-rapl:0": "package-0"})
    tree.show(intel_rapl_0=1000.0)
    with running(*arguments(tmp_path, "rapl")) as run:
        run.until_served(up("rapl", 1), "/metrics")
        tree.show(intel_rapl_0=1500.0)
        run.until_served(lambda text: 'zone="package-0"} 500.0\n' in text, "/metrics")
        assert run.stop() == 0
    tree.show(intel_rapl_0=1700.0)  # used between two readings, and not for long
    with running(*arguments(tmp_path, "rapl")) as run:
        run.until_served(lambda text: 'zone="package-0"} 700.0\n' in text, "/metrics")
        read_again(run, times=4)
        run.stop(signal.SIGKILL)
    tree.show(intel_rapl_0=3.0)  # as after a power cut: no wrap explains it
    with running(*arguments(tmp_path, "rapl")) as run:
        run.until_served(up("rapl", 1), "/metrics")
        (served,) = joules(run).values()
        assert 700.0 <= served <= 700.0 + 500.0 * 60  # one interval too many at the most


def test_root_without_capabilities_reads_only_files_of_root(tmp_path: Path) -> None:
    Powercap(tmp_path / "sys", XEON)  # mode 0400 and root's own, as kernels have it
    with running(*arguments(tmp_path), under=POWERLESS) as run:
        run.until_served(up("rapl", 1), "/metrics")
        effective = re.search(
            r"CapEff:\s*0+$", Path(f"/proc/{run.process.pid}/status").read_text(), re.M
        )
        assert effective
        assert run.stop() == 0
    for zone in tmp_path.glob("sys/devices/virtual/powercap/**/energy_uj"):
        os.chown(zone, UNPRIVILEGED_UID, UNPRIVILEGED_UID)
    with running(*arguments(tmp_path), under=POWERLESS) as run:
        run.until_served(up("cpu", 1), "/metrics")
        page = run.until_served(lambda text: 'reason="permission_denied"} ' in text, "/metrics")
        assert up("rapl", 0)(page)
        assert "rackwatt_node_domain" not in page
        status = collector(run, "rapl")
        assert status["reason"] == "permission_denied"
        assert "run the exporter as uid 0" in str(status["message"])
        run.until_logged(lambda line: "permission_denied" in line and "node=rapl" in line)
        counts = json.loads(run.get("/status"))["powertargets"]["nodes"]
        assert (counts["reachable"], counts["failing"], counts["watts"]) == (1, 1, None)


def test_a_machine_without_rapl_says_so_and_notices_a_zone_that_appears(tmp_path: Path) -> None:
    with running(*arguments(tmp_path, "rapl")) as run:
        page = run.until_served(lambda text: 'reason="absent"} ' in text, "/metrics")
        assert up("rapl", 0)(page)
        assert "rackwatt_node_domain" not in page
        Powercap(tmp_path / "sys", {"intel-rapl:0": "package-0"})
        run.until_served(up("rapl", 1), "/metrics")


def test_a_collector_of_auto_is_absent_without_a_failure_and_is_taken_when_it_appears(
    tmp_path: Path,
) -> None:
    with running(*arguments(tmp_path, "auto")) as run:
        run.until_served(up("cpu", 1), "/metrics")
        read_again(run)
        page = run.get("/metrics")
        assert 'collector="rapl"' not in page
        assert "permission_denied" not in page
        status = collector(run, "rapl")
        assert (status["up"], status["reason"], status["errors"]) == (None, "absent", {})
        assert "A virtual machine has no RAPL" in str(status["message"])
        counts = json.loads(run.get("/status"))["powertargets"]["nodes"]
        assert (counts["reachable"], counts["failing"]) == (1, 0)
        assert "Collector n17 (rapl): absent here." in run.get("/plain")
        assert not any("absent" in line for line in run.log)
        tree = Powercap(tmp_path / "sys", {"intel-rapl:0": "package-0"})
        run.until_served(up("rapl", 1), "/metrics")
        tree.remove("intel-rapl:0")
        run.until_served(up("rapl", 0), "/metrics")


def test_the_page_of_all_collectors_is_valid_and_the_controller_is_the_power_of_the_node(
    tmp_path: Path,
) -> None:
    names = ("rapl", "cpu", "memory", "hwmon", "cray", "netdev", "infiniband")
    with NodeTree(tmp_path / "sys"), running(*arguments(tmp_path, "auto")) as run:
        for name in names:
            run.until_served(up(name, 1), "/metrics")
        request = urllib.request.Request(f"{run.url}/metrics")
        request.add_header("Accept", "application/openmetrics-text;version=1.0.0")
        with urllib.request.urlopen(request, timeout=60) as response:
            page = response.read().decode()
        parsed = {family.name: family for family in openmetrics(page)}
        for family in parsed.values():
            labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
            assert len(set(labels)) == len(labels), family.name
        nodes = [
            (sample.labels["source"], sample.labels["zone"])
            for sample in parsed["rackwatt_node_domain_energy_joules"].samples
            if sample.labels["domain"] == "node"
        ]
        assert nodes == [("cray", "node"), ("hwmon", "ACPI000D:00/power1")]
        assert json.loads(run.get("/status"))["powertargets"]["nodes"]["watts"] == 344.0
        assert run.stop() == 0


def test_a_process_loads_only_the_modules_that_the_documents_need(tmp_path: Path) -> None:
    Powercap(tmp_path / "sys", XEON)
    with running(*arguments(tmp_path)) as run:
        run.until_served(up("rapl", 1), "/metrics")
        mapped = Path(f"/proc/{run.process.pid}/maps").read_text()
        for library in (
            "httpcore",
            "cryptography",
            "pyghmi",
            "_sqlite3",
            "libssl",
            "libcrypto",
            "uvloop",
        ):
            assert library not in mapped
        status = Path(f"/proc/{run.process.pid}/status").read_text()
        print(re.findall(r"(VmRSS|RssAnon):\s+(\d+ kB)", status))
        kept = subprocess.check_output(["ls", "-l", f"/proc/{run.process.pid}/fd"], text=True)
        assert kept.count("energy_uj") == 4
        assert kept.count("/proc/stat") == 1


def test_a_node_imports_only_the_collectors_of_its_document(tmp_path: Path) -> None:
    Powercap(tmp_path / "sys", XEON)
    with running(*arguments(tmp_path), PYTHONVERBOSE="1") as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        run.get("/metrics")
        assert run.stop() == 0
    imported = set(re.findall(r"^import '([^']+)'", "".join(run.log), re.MULTILINE))
    assert {"aiohttp.web", "rackwatt_exporter.collectors.rapl"} <= imported
    assert [name for name in sorted(imported) if NEEDLESS.match(name)] == []


def test_the_client_of_aiohttp_is_imported_when_something_of_it_is_first_used() -> None:
    version = subprocess.check_output([sys.executable, "-c", CLIENT], text=True)
    assert version.strip() == importlib.metadata.version("aiohttp")


def test_a_command_that_hangs_delays_no_page_and_no_other_collector(tmp_path: Path) -> None:
    arguments_ = arguments(tmp_path, "cpu")
    document = tmp_path / "documents/nodes.yaml"
    hang = f"echo $$ >> {tmp_path}/pids; sleep 600"
    document.write_text(
        f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec:
  interval: 500ms
  timeout: 1s
  node: {{collectors: [cpu, ipmi], ipmi: {{command: [sh, -c, {hang!r}]}}}}
"""
    )
    with running(*arguments_) as run:
        run.until_served(up("cpu", 1), "/metrics")
        page = run.until_served(
            lambda text: 'collector="ipmi",reason="timeout"} ' in text, "/metrics"
        )
        assert up("ipmi", 0)(page)
        assert 'source="ipmi"' not in page
        read_again(run, "cpu", times=3)
        assert collector(run, "ipmi")["reason"] == "timeout"
        assert run.stop() == 0
    for pid in (tmp_path / "pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists()


def test_a_bmc_that_fails_has_no_watts_after_they_were_stale(tmp_path: Path) -> None:
    arguments_ = arguments(tmp_path, "cpu")
    (tmp_path / "watts").write_text("412 W\n")
    (tmp_path / "documents/nodes.yaml").write_text(
        f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec:
  interval: 500ms
  staleAfter: 1s
  node: {{collectors: [cpu, ipmi], ipmi: {{command: [cat, "{tmp_path}/watts"]}}}}
"""
    )
    power = 'rackwatt_node_domain_power_watts{node="n17",source="ipmi",domain="node",zone="dcmi"} '
    with running(*arguments_) as run:
        run.until_served(lambda text: f"{power}412.0\n" in text, "/metrics")
        status = run.until_served(lambda text: '"watts":412.0' in text.replace(" ", ""), "/status")
        assert json.loads(status)["powertargets"]["nodes"]["watts"] == 412.0
        (tmp_path / "watts").write_text("0 W\n")
        page = run.until_served(lambda text: power not in text, "/metrics")
        assert 'collector="ipmi",reason="no_power_sensor"} ' in page
        assert up("cpu", 1)(page)
        assert run.stop() == 0


def test_a_bmc_read_over_redfish_fails_alone_and_shows_no_old_watts(tmp_path: Path) -> None:
    with sushy(tmp_path / "sushy") as peer:
        peer.configure(routes=shapes.environment(374.5))
        secrets = write_secrets(tmp_path, peer.authority)
        arguments_ = arguments(tmp_path, "cpu")
        (tmp_path / "documents/nodes.yaml").write_text(
            f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec:
  interval: 500ms
  staleAfter: 1s
  node:
    collectors: [cpu, redfish]
    redfish:
      hostname: {peer.address}
      port: {peer.port}
      timeout: 300ms
      credentials: {{secretRef: {{name: bmc}}}}
      tls: {{caSecretRef: {{name: ca}}}}
"""
        )
        power = 'rackwatt_node_domain_power_watts{node="n17",source="redfish",domain="node",zone="bmc"} '
        with running(*arguments_, f"--secrets.directory={secrets}") as run:
            run.until_served(lambda text: f"{power}374.5\n" in text, "/metrics")
            peer.configure(delay_s=30)
            page = run.until_served(lambda text: power not in text, "/metrics")
            assert up("cpu", 1)(page)
            run.until_served(up("redfish", 0), "/metrics")
            assert collector(run, "redfish")["reason"] == "timeout"
            read_again(run, "cpu", times=3)
            status = Path(f"/proc/{run.process.pid}/status").read_text()
            print(re.findall(r"(VmRSS|RssAnon):\s+(\d+ kB)", status))
            run.stop()
