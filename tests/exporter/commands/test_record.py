"""Record real BMCs, replay them, and read the same watts: by ourselves and by clients not ours.

Peers: OpenIPMI's ipmi_sim, net-snmp's snmpd, OpenStack's sushy-emulator.
"""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from rackwatt_exporter.capture import Capture, read
from tests.eventually import PATIENCE_S
from tests.exporter.commands.exporter_process import COMMAND, running
from tests.exporter.commands.test_simulate import ports as ports  # a fixture
from tests.exporter.targets.redfish.shapes import CRAY_TWO_NODES, HPE_ILO5, NVIDIA_HGX
from tests.peers import ipmi_sim as ipmi
from tests.peers import snmpd as snmp
from tests.peers import sushy as redfish
from tests.peers.ipmi_tools import Asker

SENSORS = [ipmi.SimSensor("Inlet", 23, unit=1), ipmi.SimSensor("PSU1 PIN", 43, m=8)]
DEVICE_POWER = "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
NODE_NAMES = ("secretlab-ipmi", "secretlab-sensors", "secretlab-pdu", "secretlab-redfish")


class Site:
    """The peers, and documents that name them."""

    def __init__(
        self, directory: Path, sim: Any, agent: snmp.Snmpd, service: redfish.Sushy
    ) -> None:
        self.directory = directory
        self.documents = directory / "lab.yaml"
        self.secrets = {
            "bmc": {"username": ipmi.USERNAME, "password": ipmi.PASSWORD},
            "pdu": {
                "username": "watcher",
                "authPassword": snmp.AUTH_PASSWORD,
                "privPassword": snmp.PRIV_PASSWORD,
            },
            "web": {"username": redfish.USERNAME, "password": redfish.PASSWORD},
            "ca": {"ca.crt": service.authority.read_text()},
        }
        for name, keys in self.secrets.items():
            (directory / "secrets" / name).mkdir(parents=True)
            for key, value in keys.items():
                (directory / "secrets" / name / key).write_text(value)
        first, second = sim.bmcs
        self.addresses = {first.address, second.address}
        self.documents.write_text(f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: lab}}
spec:
  timeout: 60s
  bmc:
    method: ipmi
    credentials: {{secretRef: {{name: bmc}}}}
    ipmi: {{port: {first.port}, privilege: admin}}
    hosts:
      - {{names: secretlab-ipmi, addresses: {first.address}}}
      - {{names: secretlab-sensors, addresses: {second.address}, ipmi: {{dcmi: false, sensors: [PSU1 PIN]}}}}
      - {{names: secretlab-pdu, addresses: {agent.address}, method: snmp, credentials: {{secretRef: {{name: pdu}}}},
         snmp: {{port: {agent.port}, version: "3", oids: [{{oid: {DEVICE_POWER}, scale: 10}}]}}}}
      - {{names: secretlab-redfish, addresses: {service.address}, method: redfish, credentials: {{secretRef: {{name: web}}}},
         redfish: {{port: {service.port}, tls: {{caSecretRef: {{name: ca}}}}}}}}
""")

    def record(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*COMMAND, "record", f"--config.file={self.documents}",
             f"--secrets.directory={self.directory}/secrets", *arguments],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("record")
    user = snmp.SnmpUser("watcher")
    with (
        ipmi.ipmi_sim(directory / "ipmi", [SENSORS, SENSORS]) as sim,
        snmp.snmpd(directory / "snmp", [f"{DEVICE_POWER} integer 123"], [user]) as agent,
        redfish.sushy(
            directory / "redfish",
            routes={
                f"/redfish/v1/Chassis/{redfish.CHASSIS}/Power": {
                    "@odata.id": f"/redfish/v1/Chassis/{redfish.CHASSIS}/Power",
                    "SerialNumber": "CN7016341A00FF",
                    "HostName": "secretlab-redfish.example",
                    "PowerControl": [
                        {"MemberId": "0", "PowerConsumedWatts": 1344, "Name": "CN7016341A00FF"}
                    ],
                }
            },
        ) as service,
    ):
        sim.bmcs[0].set_power(287)
        yield Site(directory, sim, agent, service)


@pytest.fixture(scope="module")
def capture(site: Site) -> Path:
    path = site.directory / "capture.yaml"
    done = site.record(f"--output={path}", "--readings=2")
    assert done.returncode == 0, done.stderr
    assert "secretlab-ipmi: 287 W" in done.stdout
    assert path.stat().st_mode & 0o077 == 0
    return path


def test_a_capture_does_not_identify_its_machine(site: Site, capture: Path) -> None:
    text = capture.read_text()
    for keys in site.secrets.values():
        for key, value in keys.items():
            if key == "username":  # as a word: "root" is also in ServiceRoot
                assert not re.search(rf"\b{value}\b", text), key
            else:
                assert value not in text, key
                assert value.encode().hex() not in text, key
    assert not re.search(rf"\b{socket.gethostname()}\b", text)  # snmpd reports it in sysDescr
    for name in (*NODE_NAMES, *site.addresses, redfish.SYSTEM, redfish.CHASSIS, "CN7016341A00FF"):
        assert name not in text
    assert "X-Auth-Token" not in text


def test_a_capture_is_readable_and_has_the_result_of_each_reading(capture: Path) -> None:
    targets = {target.node: target for target in read(capture).targets}
    assert [target.outcomes[-1].watts for target in targets.values()] == [287, 344, 1230, 1344]
    assert targets["node1"].ipmi is not None
    assert targets["node1"].ipmi.suite == 3
    names = [each.name for each in targets["node1"].ipmi.commands]
    assert "DCMI Get Power Reading" in names
    assert "Get Device ID" in names
    assert targets["node3"].settings == {
        "version": "3",
        "oids": [{"oid": DEVICE_POWER, "scale": 10.0}],
    }
    assert isinstance(yaml.safe_load(capture.read_text()), dict)


def test_a_replay_reads_the_same_for_every_client(
    capture: Path, tmp_path: Path, ports: list[str]
) -> None:
    with running("replay", capture, f"--directory={tmp_path}", *ports) as replay:
        replay.until_logged(lambda line: "poll them" in line)
        done = subprocess.run(
            [*COMMAND, "check", "--output=json", f"{tmp_path}/documents", f"--secrets.directory={tmp_path}/secrets"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        rows = {row["node"]: row for row in json.loads(done.stdout)["targets"]}
        assert done.returncode == 0, done.stdout + done.stderr
        assert {node: row["watts"] for node, row in rows.items()} == {
            "node1": 287, "node2": 344, "node3": 1230, "node4": 1344,
        }  # fmt: skip
        at = dict(
            zip(
                ("ipmi", "snmp", "redfish"),
                (int(each.split("=")[1]) for each in ports),
                strict=True,
            )
        )
        asker = Asker(rows["node1"]["address"], at["ipmi"], "monitor", "simulated", 3, "user")
        assert asker.ipmitool_watts() == 287
        sensors = Asker(rows["node2"]["address"], at["ipmi"], "monitor", "simulated", 3, "user")
        assert sensors.ipmitool_sensor("PSU1 PIN") == 344
        login = snmp.SnmpUser("monitor").options()
        login[login.index("-A") + 1], login[login.index("-X") + 1] = (
            "simulated-auth",
            "simulated-priv",
        )
        agent = f"udp:{rows['node3']['address']}:{at['snmp']}"
        assert snmp.client("snmpget", login, agent, [DEVICE_POWER]) == "123"
        service = f"https://{rows['node4']['address']}:{at['redfish']}"
        client = httpx.Client(
            base_url=service, verify=False, auth=("monitor", "simulated"), timeout=PATIENCE_S
        )
        with client:
            (member,) = client.get("/redfish/v1/Chassis").json()["Members"]
            power = client.get(f"{member['@odata.id']}/Power").json()
        assert power["PowerControl"][0]["PowerConsumedWatts"] == 1344
        assert replay.stop() == 0


def test_one_node_is_recorded_where_one_is_named(site: Site, tmp_path: Path) -> None:
    done = site.record(f"--output={tmp_path}/one", "--readings=1", "secretlab-pdu")
    assert done.returncode == 0, done.stderr
    assert [target.method for target in read(tmp_path / "one").targets] == ["snmp"]


def test_an_unknown_node_is_reported(site: Site, tmp_path: Path) -> None:
    done = site.record(f"--output={tmp_path}/none", "moon")
    assert done.returncode == 2
    assert "unknown nodes: moon" in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_failure_is_recorded_too(site: Site, tmp_path: Path) -> None:
    password = site.directory / "secrets/bmc/password"
    password.write_text("not-the-one")
    try:
        done = site.record(f"--output={tmp_path}/failed", "--readings=1", "secretlab-ipmi")
    finally:
        password.write_text(ipmi.PASSWORD)
    assert done.returncode == 0, done.stderr
    (target,) = read(tmp_path / "failed").targets
    assert target.outcomes[0].reason == "auth_failed"
    assert "not-the-one" not in (tmp_path / "failed").read_text()


def test_a_secret_too_short_to_be_hidden_is_refused_without_telling_it(
    site: Site, tmp_path: Path
) -> None:
    password = site.directory / "secrets/bmc/password"
    password.write_text("qz7")
    try:
        done = site.record(f"--output={tmp_path}/short", "--readings=1", "secretlab-ipmi")
    finally:
        password.write_text(ipmi.PASSWORD)
    assert done.returncode == 1
    assert "password of secret bmc is shorter than 4 characters" in done.stderr
    assert "qz7" not in done.stderr
    assert not (tmp_path / "short").exists()


@pytest.mark.parametrize(
    ("routes", "chassis", "watts"),
    [(HPE_ILO5, None, 139), (CRAY_TWO_NODES, "Node1", 587), (NVIDIA_HGX, None, 5120)],
    ids=["ilo5", "cray-ex", "hgx"],
)
def test_makers_shapes_are_replayed_as_they_were(
    site: Site, tmp_path: Path, ports: list[str], routes: Any, chassis: str | None, watts: float
) -> None:
    documents = tmp_path / "lab.yaml"
    with redfish.sushy(tmp_path / "peer", routes=routes) as peer:
        (site.directory / "secrets/ca/ca.crt").write_text(peer.authority.read_text())
        option = f", chassis: {chassis}" if chassis else ""
        documents.write_text(f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: lab}}
spec:
  bmc:
    method: redfish
    credentials: {{secretRef: {{name: web}}}}
    redfish: {{port: {peer.port}, tls: {{caSecretRef: {{name: ca}}}}{option}}}
    hosts: [{{names: g1, addresses: {peer.address}}}]
""")
        done = subprocess.run(
            [*COMMAND, "record", f"--config.file={documents}", f"--secrets.directory={site.directory}/secrets",
             f"--output={tmp_path}/capture", "--readings=1"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    with running("replay", f"{tmp_path}/capture", f"--directory={tmp_path}/sim", *ports) as replay:
        replay.until_logged(lambda line: "poll them" in line)
        checked = subprocess.run(
            [*COMMAND, "check", "--output=json", f"{tmp_path}/sim/documents", f"--secrets.directory={tmp_path}/sim/secrets"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        (row,) = json.loads(checked.stdout)["targets"]
        assert row["watts"] == watts, checked.stdout


def test_an_invalid_capture_is_reported_with_its_problems(tmp_path: Path, ports: list[str]) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(
        "format: rackwatt.dev/capture/v1\ntargets: [{node: n1, method: smoke, ipmi: {commands: [{name: a}]}}]"
    )
    done = subprocess.run(
        [*COMMAND, "replay", path, f"--directory={tmp_path}", *ports],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "targets[0].method: unknown value 'smoke'" in done.stderr
    assert "targets[0].ipmi.commands[0].netfn: is missing" in done.stderr
    assert Capture.__name__ not in done.stderr
