"""The main job, whole: the document of the documentation, real daemons, the commands as users run them.

Peers: OpenIPMI's ipmi_sim, net-snmp's snmpd, OpenStack's sushy-emulator over TLS, Slurm's own
slurmctld and sinfo.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rackwatt_exporter.simulator.certificate import generate
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from tests.exporter.commands.exporter_process import COMMAND, running
from tests.exporter.running_exporter import rewrite
from tests.peers import ipmi_sim as ipmi
from tests.peers import snmpd as snmp
from tests.peers import sushy as redfish
from tests.peers.slurm import SlurmCluster

LAB = Path(__file__).parents[1] / "docs/examples/lab.yaml"
DEVICE_POWER = "1.3.6.1.4.1.318.1.1.26.4.3.1.5"
SENSORS = [ipmi.SimSensor("PSU1 PIN", raw=20, m=8), ipmi.SimSensor("PSU2 PIN", raw=25, m=8)]
PDU_OBJECTS = [f"{DEVICE_POWER}.1 integer 300", f"{DEVICE_POWER}.2 integer 44"]
PDU_USER = snmp.SnmpUser("monitor", level="authPriv", auth="SHA-256", privacy="AES")
PDU_SECRET = {
    "username": "monitor",
    "authPassword": snmp.AUTH_PASSWORD,
    "privPassword": snmp.PRIV_PASSWORD,
}
POWER = {"PowerControl": [{"MemberId": "0", "PowerConsumedWatts": 1344}]}


class Lab:
    """The peers, and the lab's document with their addresses and ports in it."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self.directory = directory
        self.bmcs = stack.enter_context(ipmi.ipmi_sim(directory / "ipmi", [SENSORS] * 3))
        self.pdu = stack.enter_context(snmp.snmpd(directory / "snmp", PDU_OBJECTS, [PDU_USER]))
        routes = {f"/redfish/v1/Chassis/{redfish.CHASSIS}/Power": POWER}
        self.redfish = stack.enter_context(redfish.sushy(directory / "redfish", routes=routes))
        self.slurm = stack.enter_context(SlurmCluster("n[1-3]"))
        secrets = {
            "bmc": {"username": ipmi.USERNAME, "password": ipmi.PASSWORD},
            "pdu": PDU_SECRET,
            "redfish": {"username": redfish.USERNAME, "password": redfish.PASSWORD},
            "bmc-ca": {"ca.crt": self.redfish.authority.read_text()},
        }
        self.secrets = write_secrets(directory / "secrets", secrets)
        self.document = directory / "lab.yaml"
        self.document.write_text(self._document())

    def logins(self) -> int:
        """Count the logins over Redfish."""
        return sum(line.startswith("POST") for line in self.redfish.requests())

    def _document(self) -> str:
        text = LAB.read_text()
        addresses = ",".join(bmc.address for bmc in self.bmcs.bmcs)
        for written, instead in {
            "127.3.7.[1-3]": addresses,
            "port: 623, cipherSuite: 17, privilege: user": f"port: {self.bmcs.bmcs[0].port}, "
            "privilege: admin",  # ipmi_sim has no suite 17, and lets only admins ask for DCMI
            "127.3.8.1": self.pdu.address,
            "port: 161": f"port: {self.pdu.port}",
            '"g[1-2]"': "g1",
            '"{name}-bmc.example"': self.redfish.address,
            "port: 443": f"port: {self.redfish.port}",
            "method: redfish,": "method: redfish, credentials: {secretRef: {name: redfish}},",
            "interval: 10s": "interval: 1s",
            "timeout: 1s": "timeout: 60s",  # two shared cores run six daemons here
        }.items():
            assert written in text, written
            text = text.replace(written, instead)
        return text


def write_secrets(directory: Path, secrets: dict[str, dict[str, str]]) -> Path:
    """Write a folder for each secret, a file for each key."""
    for secret, keys in secrets.items():
        (directory / secret).mkdir(parents=True)
        for key, value in keys.items():
            (directory / secret / key).write_text(value + "\n")
    return directory


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, tmp_path_factory.mktemp("lab"))


def usage(text: str) -> dict[str, tuple[float, str]]:
    """Return watts and state of each node, as node_power_usage has them."""
    return {
        sample.labels["node"]: (sample.value, sample.labels.get("state", ""))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "node_power_usage"
    }


def test_check_reads_each_real_peer_once_and_agrees_with_it(lab: Lab) -> None:
    for number, bmc in enumerate(lab.bmcs.bmcs):
        bmc.set_power(300 + number)
    done = subprocess.run(
        [*COMMAND, "check", lab.document, f"--secrets.directory={lab.secrets}", "--output=json"],
        capture_output=True, text=True, check=False, env=lab.slurm.environment,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert report["problems"] == []
    assert [row["node"] for row in report["schedulers"]] == ["prod"]
    pdu = int(lab.pdu.get(f"{DEVICE_POWER}.1")) + 10 * int(lab.pdu.get(f"{DEVICE_POWER}.2"))
    assert {row["node"]: row["watts"] for row in report["targets"]} == {
        "n1": 300, "n2": 301, "n3": 302, "pdu1": pdu, "g1": 1344,
    }  # fmt: skip


def test_run_serves_watts_and_slurms_states_and_leaves_no_session(lab: Lab) -> None:
    logins = lab.logins()
    lab.slurm.scontrol("update", "nodename=n2", "state=drain", "reason=test")
    lab.slurm.submit("--nodelist=n3", "--exclusive")
    lab.slurm.wait_for(n2="IDLE+DRAIN", n3="ALLOCATED")
    environment = {key: lab.slurm.environment[key] for key in ("SLURM_CONF", "PATH")}
    with running(
        "run", f"--config.file={lab.document}", f"--secrets.directory={lab.secrets}",
        f"--state.directory={lab.directory}/state", "--web.listen-address=127.0.0.1:0",
        **environment,
    ) as run:  # fmt: skip
        lab.bmcs.bmcs[0].set_power(411)
        expected = {
            "n1": (411.0, "idle"),
            "n2": (301.0, "drained"),
            "n3": (302.0, "allocated"),
            "pdu1": (740.0, ""),
            "g1": (1344.0, ""),
        }
        run.until_served(lambda text: usage(text) == expected, "/metrics")
        rewrite(lab.document, lab.document.read_text().replace("rack: r2", "rack: r9"))
        run.process.send_signal(signal.SIGHUP)
        run.until_served(lambda text: 'node="g1",type="gpu",rack="r9"' in text, "/metrics")
        run.until_served(lambda text: usage(text) == expected, "/metrics")
        assert lab.logins() == logins + 1, "one session, kept across readings and a reload"
        assert lab.redfish.seen()["sessions"]
        targets = {node: json.loads(run.get(f"/fleet/target?node={node}")) for node in expected}
        assert {node: target["session"] for node, target in targets.items()} == {
            **dict.fromkeys(("n1", "n2", "n3"), "RMCP+, cipher suite 3"),
            "pdu1": "SNMPv3, authPriv",
            "g1": "Redfish session",
        }
        assert run.stop() == 0
    assert not lab.redfish.seen()["sessions"], "DELETE at exit"


def test_check_distinguishes_a_failing_bmc_and_one_that_is_off_from_zero(lab: Lab) -> None:
    lab.bmcs.bmcs[0].set_power(0, chassis_on=False)
    (lab.secrets / "pdu/authPassword").write_text("not-the-password")
    try:
        done = subprocess.run(
            [*COMMAND, "check", lab.document, f"--secrets.directory={lab.secrets}", "--output=json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        (lab.secrets / "pdu/authPassword").write_text(snmp.AUTH_PASSWORD)
        lab.bmcs.bmcs[0].set_power(300)
    rows = {row["node"]: row for row in json.loads(done.stdout)["targets"]}
    assert done.returncode == 1
    assert (rows["n1"]["watts"], rows["n1"]["reason"]) == (None, "powered_off")
    assert (rows["pdu1"]["watts"], rows["pdu1"]["reason"]) == (None, "auth_failed")
    assert rows["n2"]["watts"] == 301
    assert "not-the-password" not in done.stdout + done.stderr


@asynccontextmanager
async def unchanged_lab(directory: Path) -> AsyncIterator[None]:
    """Run the simulator's BMCs and an snmpd at the document's own addresses and ports."""
    login = SimulatedLogin("root", "calvin00")
    nodes = [
        SimulatedMachine(f"n{i}", f"127.3.7.{i}", 300 + i, 300 + i, login=login) for i in (1, 2, 3)
    ]
    gpus = [
        SimulatedMachine(f"g{i}", f"127.3.9.{i}", 900 + i, 900 + i, login=login) for i in (1, 2)
    ]
    made = generate(["g1-bmc.example", "g2-bmc.example"])
    (directory / "tls.crt").write_bytes(made.certificate)
    (directory / "tls.key").write_bytes(made.key)
    bmc = {"username": login.username, "password": login.password}
    authority = {"ca.crt": made.authority.decode()}
    write_secrets(directory / "secrets", {"bmc": bmc, "pdu": PDU_SECRET, "bmc-ca": authority})
    names = "".join(f"{gpu.address} {gpu.name}-bmc.example\n" for gpu in gpus)
    (directory / "hosts").write_text(Path("/etc/hosts").read_text() + names)
    tls = directory / "tls.crt", directory / "tls.key"
    servers = (
        IpmiServer({machine.address: machine for machine in nodes}, 623),
        RedfishServer({machine.address: machine for machine in gpus}, 443, *tls),
    )
    pdu = snmp.Snmpd(directory / "snmp", ["127.3.8.1"], PDU_OBJECTS, [PDU_USER], port=161)
    pdu.start()
    try:
        for server in servers:
            await server.start()
        yield
    finally:
        for server in servers:
            await server.close()
        pdu.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="ports below 1024 and a mount namespace want root")
async def test_check_reads_the_unchanged_document_at_its_own_addresses_and_ports(
    tmp_path: Path,
) -> None:
    document = tmp_path / "lab.yaml"
    document.write_text(LAB.read_text().replace("timeout: 1s", "timeout: 60s"))  # as above
    async with unchanged_lab(tmp_path):
        done = await _run_with_hosts(
            tmp_path / "hosts", "check", str(document), f"--secrets.directory={tmp_path}/secrets",
            "--output=json",
        )  # fmt: skip
    report = json.loads(done)
    assert {row["node"]: row["watts"] for row in report["targets"]} == {
        "n1": 301, "n2": 302, "n3": 303, "pdu1": 740, "g1": 901, "g2": 902,
    }, done  # fmt: skip


async def _run_with_hosts(hosts: Path, *arguments: str) -> str:
    """Run the command in a mount namespace of its own, with another /etc/hosts."""
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    process = await asyncio.create_subprocess_exec(
        "unshare", "--mount", "sh", "-c", script, str(hosts), *COMMAND, *arguments,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return output.decode()
