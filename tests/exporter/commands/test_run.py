import argparse
import json
import re
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_exporter.commands.run import add, profiles
from rackwatt_exporter.store.ledger_file import LedgerFile
from tests.eventually import PATIENCE_S
from tests.exporter.commands.exporter_process import COMMAND, running
from tests.exporter.running_exporter import power_target, rewrite

LISTEN = "--web.listen-address=127.0.0.1:0"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    path = tmp_path / "lab.yaml"
    path.write_text(power_target("[{names: n1, type: core, rack: r1}]"))
    return path


def test_run_serves_the_configured_targets_and_saves_counters_on_sigterm(lab: Path) -> None:
    state = lab.parent / "state"
    with running("run", f"--config.file={lab}", f"--state.directory={state}", LISTEN) as run:
        text = run.until_served(lambda text: "node_power_usage{" in text, "/metrics")
        assert 'node_power_usage{node="n1",type="core",rack="r1"} ' in text
        assert run.stop() == 0
        assert any("stopped: sessions closed, counters kept" in line for line in run.log)
    assert "n1" in LedgerFile(state).accounts


def test_sighup_reads_the_documents_again_at_once(lab: Path) -> None:
    with running("run", f"--config.file={lab.parent}", LISTEN) as run:
        run.until_served(lambda text: 'node="n1"' in text, "/metrics")
        rewrite(lab, power_target("[{names: n2}]"))
        run.process.send_signal(signal.SIGHUP)
        text = run.until_served(lambda text: 'node="n2"' in text, "/metrics")
        assert 'node="n1"' not in text
        assert run.stop(signal.SIGINT) == 0


def test_a_shard_serves_its_part_and_says_so(lab: Path) -> None:
    lab.write_text(power_target('[{names: "n[1-40]"}]'))
    parts = []
    for number in (1, 2):
        with running("run", f"--config.file={lab}", f"--shard={number}/2", LISTEN) as run:
            text = run.until_served(lambda text: "node_power_usage{" in text, "/metrics")
            parts.append(set(re.findall(r'rackwatt_target_up\{node="(\w+)"', text)))
            run.until_logged(re.compile(f" of shard {number}/2:").search)
            assert run.stop() == 0
    assert parts[0] | parts[1] == {f"n{number}" for number in range(1, 41)}
    assert not parts[0] & parts[1]


def test_too_few_descriptors_are_reported_before_they_run_out(lab: Path) -> None:
    hosts = '[{names: "p[1-400]", addresses: "127.3.[1-4].[1-100]", method: snmp, preset: ilo}]'
    lab.write_text(power_target(hosts, spec="interval: 60s"))
    with running("run", f"--config.file={lab}", LISTEN) as run:
        run.until_logged(lambda line: "level=info" in line and "needed=1040" in line)
        limit = (1000, 1000)
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, limit)
        run.process.send_signal(signal.SIGHUP)
        line_logged = run.until_logged(lambda line: "level=error" in line)
        assert "too few file descriptors needed=1040 limit=1000: raise the hard" in line_logged
        assert run.stop() == 0


def test_sigterm_on_the_heels_of_sighup_ends_it_all_the_same(lab: Path) -> None:
    with running("run", f"--config.file={lab}", LISTEN) as run:
        run.until_logged(lambda line: "documents read" in line)
        run.process.send_signal(signal.SIGHUP)
        assert run.stop() == 0


def test_flags_for_the_path_the_profile_and_the_log_do_as_they_say(lab: Path) -> None:
    with running(
        "run", f"--config.file={lab}", LISTEN, "--web.telemetry-path=/power",
        "--no-profile.power-exporter", "--log.format=json", "--log.level=debug",
    ) as run:  # fmt: skip
        text = run.until_served(lambda text: 'watts{node="n1"' in text, "/power")
        assert "node_power_usage" not in text
        assert json.loads(run.log[0])["level"] in ("debug", "info")
        assert run.stop() == 0


@pytest.mark.parametrize(
    ("flags", "served"),
    [
        ([], ["power-exporter", "slurm-exporter"]),
        (["--no-profile.slurm-exporter"], ["power-exporter"]),
        (["--no-profile.power-exporter"], ["slurm-exporter"]),
        (["--profile.batchjob"], ["power-exporter", "slurm-exporter", "batchjob"]),
        (["--profile.ceems=0.5"], ["power-exporter", "slurm-exporter", "ceems-0.5"]),
        (["--profile.ceems=0.10"], ["power-exporter", "slurm-exporter", "ceems-0.10"]),
    ],
)
def test_each_profile_is_enabled_as_its_flag_says(flags: list[str], served: list[str]) -> None:
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    assert profiles(parser.parse_args(["run", *flags])) == served


def test_a_port_in_use_is_reported_and_the_exit_status_is_1(lab: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(
            "run", f"--config.file={lab}", f"--web.listen-address=127.0.0.1:{port}"
        ) as run:
            assert run.process.wait(PATIENCE_S) == 1
            run._reader.join(PATIENCE_S)
            assert any("cannot listen" in line for line in run.log)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--web.listen-address=localhost", "is not HOST:PORT"),
        ("--web.listen-address=localhost:99999", "is not HOST:PORT"),
        ("--web.telemetry-path=metrics", "must begin with /"),
        ("--log.level=loud", "invalid choice"),
    ],
)
def test_a_flag_that_makes_no_sense_is_an_error_that_says_why(flag: str, message: str) -> None:
    done = subprocess.run([*COMMAND, "run", flag], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_exporter_loads_neither_kopf_nor_kubernetes_and_no_protocol_it_does_not_need() -> None:
    heavy = ["kopf", "kubernetes", "pysnmp", "pyghmi", "httpx", "cryptography"]
    code = (
        "import sys, rackwatt_exporter.__main__, rackwatt_exporter.exporter\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
