import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import COMMAND, Running, running
from tests.exporter.running_exporter import rewrite
from tests.peers.ports import free_ports


@pytest.fixture
def ports() -> list[str]:
    protocols = ("ipmi", "snmp", "redfish")
    return [f"--{each}.port={port}" for each, port in zip(protocols, free_ports(3), strict=True)]


def test_every_simulated_machine_is_read_over_its_protocol(
    tmp_path: Path, ports: list[str]
) -> None:
    with running("simulate", "--nodes=20", f"--directory={tmp_path}", *ports) as fleet:
        fleet.until_logged(lambda line: "serving 20 machines in 3 racks" in line)
        done = subprocess.run(
            [*COMMAND, "check", "--output=json", f"{tmp_path}/documents", f"--secrets.directory={tmp_path}/secrets"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        report = json.loads(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {row["method"] for row in report["targets"]} == {"ipmi", "snmp", "redfish"}
        assert len(report["targets"]) == 20
        assert all(100 < row["watts"] < 7000 for row in report["targets"])
        assert fleet.stop() == 0


def test_one_address_has_room_for_a_machine_of_each_kind(tmp_path: Path, ports: list[str]) -> None:
    flags = ["--address=127.7.7.7", f"--directory={tmp_path}", *ports]
    with running("simulate", "--nodes=3", *flags) as fleet:
        fleet.until_logged(lambda line: "serving 3 machines in 3 racks" in line)
        assert reasons(tmp_path) == {"cn1": None, "gn1": None, "pdu1": None}
        written = (tmp_path / "documents/fleet.yaml").read_text()
        assert written.count("127.7.7.[7-7]") == 3
        assert fleet.stop() == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--nodes=4", "--address=127.7.7.7"], "one address has room for 3, each of a kind"),
        (["--nodes=3", "--address=bmc1"], "is not an IPv4 address"),
    ],
)
def test_an_address_that_does_not_do_is_refused(flags: list[str], message: str) -> None:
    done = subprocess.run(
        [*COMMAND, "simulate", *flags, "--directory=x"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr


def test_a_port_in_use_is_reported(tmp_path: Path, ports: list[str]) -> None:
    with running("simulate", "--nodes=2", f"--directory={tmp_path}", *ports) as fleet:
        fleet.until_logged(lambda line: "2 machines" in line)
        second = subprocess.run(
            [*COMMAND, "simulate", "--nodes=2", f"--directory={tmp_path}/second", *ports],
            capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        assert second.returncode == 1
        assert "is another fleet simulated here?" in second.stderr


@pytest.mark.parametrize("number", ["0", "-3", "many", "99999"])
def test_a_number_of_nodes_that_makes_no_sense_is_refused(number: str) -> None:
    done = subprocess.run(
        [*COMMAND, "simulate", f"--nodes={number}", "--directory=x"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "is not a number from 1 to" in done.stderr or "expected one argument" in done.stderr


def reasons(directory: Path) -> dict[str, str | None]:
    done = subprocess.run(
        [*COMMAND, "check", "--output=json", f"{directory}/documents", f"--secrets.directory={directory}/secrets"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {row["node"]: row["reason"] for row in json.loads(done.stdout)["targets"]}


def test_a_scenario_is_played_and_followed_when_its_file_changes(
    tmp_path: Path, ports: list[str]
) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(
        "faults: [{hosts: cn01, poweredOff: true}, {hosts: gn1, certificate: expired}]"
    )
    flags = [f"--scenario={scenario}", f"--directory={tmp_path}", "--latency=1ms", *ports]
    with running("simulate", "--nodes=20", *flags) as fleet:
        fleet.until_logged(lambda line: "20 machines" in line)
        observed = reasons(tmp_path)
        assert {node: reason for node, reason in observed.items() if reason} == {
            "cn01": "powered_off", "gn1": "tls_failed",
        }  # fmt: skip
        rewrite(scenario, "faults: [{hosts: cn1, dead: true}]")
        fleet.until_logged(
            lambda line: "keeping the previous one" in line and "no simulated machine" in line
        )
        rewrite(scenario, "faults: [{hosts: pdu1, quirk: nonsense}]")
        fleet.until_logged(lambda line: "scenario reloaded" in line)
        observed = reasons(tmp_path)
        assert {node: reason for node, reason in observed.items() if reason} == {
            "pdu1": "sensor_unreadable"
        }
        assert fleet.stop() == 0


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path: Path, ports: list[str]) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [*COMMAND, "simulate", f"--directory={tmp_path}/file", *ports],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_each_problem_of_a_scenario_is_a_line_of_its_own(tmp_path: Path, ports: list[str]) -> None:
    (tmp_path / "scenario.yaml").write_text("faults: [{hosts: cn9}, {quirk: none}]")
    done = subprocess.run(
        [*COMMAND, "simulate", "--nodes=3", f"--scenario={tmp_path}/scenario.yaml",
         f"--directory={tmp_path}", *ports],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    first, second = done.stderr.splitlines()
    assert "faults[0].hosts: no simulated machine is called cn9" in first
    assert "faults[1].quirk: unknown quirk 'none'" in second


@contextmanager
def restarting(fleet: Running) -> Iterator[None]:
    """Restart every machine again and again: one restart may be over before the next poll."""
    enough = threading.Event()

    def restart() -> None:
        while not enough.wait(1):
            fleet.process.send_signal(signal.SIGUSR1)

    fleet.process.send_signal(signal.SIGUSR1)
    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def test_a_signal_restarts_every_machine(tmp_path: Path, ports: list[str]) -> None:
    with running("simulate", "--nodes=3", f"--directory={tmp_path}", *ports) as fleet:
        fleet.until_logged(lambda line: "3 machines" in line)
        assert set(reasons(tmp_path).values()) == {None}
        with restarting(fleet):
            assert set(reasons(tmp_path).values()) == {"timeout"}
        until(lambda: set(reasons(tmp_path).values()) == {None})
        assert fleet.stop() == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--scenario=/nonexistent"], "No such file"),
        (["--loss=5"], "'5' is not valid: expected a value such as 5%"),
        (["--latency=soon"], "'soon' is not valid: expected a value such as 20ms"),
        (["--dead=101%"], "is not valid"),
        (["--ipmi.port=70000"], "'70000' is not a number from 1 to 65535"),
        (["--redfish.port=0"], "'0' is not a number from 1 to 65535"),
    ],
)
def test_a_scenario_or_flag_that_cannot_be_used_is_reported(
    flags: list[str], message: str, tmp_path: Path, ports: list[str]
) -> None:
    done = subprocess.run(
        [*COMMAND, "simulate", f"--directory={tmp_path}", *ports, *flags],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
