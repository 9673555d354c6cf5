"""Tests of the program: started as a user starts it, over a sacct that prints a file."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rackwatt_accounting.__main__ import parser
from rackwatt_accounting.commands.run import PORT
from rackwatt_operator.manifests.accounting_pod import HEALTH_PORT
from tests.eventually import PATIENCE_S
from tests.operator.manifests.builders import binding, container, planned, pods
from tests.peers.ports import free_port

PROGRAM = str(Path(sys.executable).parent / "rackwatt-accounting")
DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {{name: prod}}
spec:
  cluster: prod
  slurm: {{cli: {{path: {folder}}}}}
  accounting:
    timezone: Europe/Paris
    admins: [root]
    identity: {{trustedHeader: {{name: X-Grafana-User, from: [127.0.0.0/8]}}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a document whose Slurm fails at each command."""
    for name in ("sacct", "sacctmgr"):
        script = tmp_path / name
        script.write_text("#!/bin/sh\necho 'sacct: error: Connection refused' >&2\nexit 1\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "prod.yaml").write_text(DOCUMENT.format(folder=tmp_path))
    return tmp_path


def arguments(home: Path, command: str, *more: str) -> list[str]:
    return [PROGRAM, command, f"--config.file={home / 'prod.yaml'}", *more]


@pytest.fixture
def url(home: Path) -> Iterator[str]:
    port = free_port()
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            arguments(
                home,
                "run",
                f"--storage=sqlite:///{home}/a.db",
                f"--web.listen-address=127.0.0.1:{port}",
            ),
            stderr=log,
        )
    base = f"http://127.0.0.1:{port}"
    try:
        _until_healthy(base, home)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert (home / "log").read_text().rstrip().endswith("msg=stopped")


def test_run_accepts_the_arguments_of_the_pod_that_the_operator_makes() -> None:
    web = "web: {configSecretRef: {name: web, key: web.yml}, tls: {}}"
    for storage in ("", "storage: {postgresql: {secretRef: {name: db}}}, "):
        manifests = planned(binding(f"slurm: {{cli: {{}}}}, accounting: {{{storage}{web}}}"))
        (pod,) = (one for one in pods(manifests) if container(one)["name"] == "accounting")
        parsed = parser().parse_args(container(pod)["args"])
        assert parsed.listen_address[1] == PORT
        assert parsed.health_listen_address[1] == HEALTH_PORT


def test_probes_have_an_address_of_their_own(home: Path) -> None:
    page, probe = free_port(), free_port()
    listening = f"--web.listen-address=127.0.0.1:{page}"
    health = f"--web.health-listen-address=127.0.0.1:{probe}"
    with (home / "log").open("w") as log:
        command = arguments(home, "run", f"--storage=sqlite:///{home}/b.db", listening, health)
        process = subprocess.Popen(command, stderr=log)
    try:
        _until_healthy(f"http://127.0.0.1:{probe}", home)
        assert httpx.get(f"http://127.0.0.1:{probe}/metrics").status_code == 404
        assert httpx.get(f"http://127.0.0.1:{page}/metrics").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def _until_healthy(base: str, home: Path) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            if httpx.get(f"{base}/healthz").status_code == 200:
                return
        except httpx.HTTPError:
            assert time.monotonic() < deadline_s, (home / "log").read_text()
            time.sleep(0.05)


@pytest.fixture
def mistake(home: Path) -> Path:
    """Put a document with a mistake beside the valid one."""
    path = home / "wrong.yaml"
    path.write_text(
        DOCUMENT.format(folder=home).replace("name: prod", "name: wrong") + "    admin: x\n"
    )
    return path


def test_run_serves_valid_documents_beside_one_with_a_mistake(home: Path, mistake: Path) -> None:
    port = free_port()
    arguments = [PROGRAM, "run", f"--config.file={home / 'prod.yaml'}", f"--config.file={mistake}"]
    arguments += [f"--storage=sqlite:///{home}/a.db", f"--web.listen-address=127.0.0.1:{port}"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(arguments, stderr=log)
    _until_healthy(f"http://127.0.0.1:{port}", home)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    assert "spec.accounting.admin: unknown field" in (home / "log").read_text()


def test_run_serves_while_its_scheduler_fails_and_says_so(url: str, home: Path) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while (
        'rackwatt_accounting_up{cluster="prod",subject="units"} 0'
        not in httpx.get(f"{url}/metrics").text
    ):
        assert time.monotonic() < deadline_s
    assert httpx.get(f"{url}/api/v2/usage", headers={"X-Grafana-User": "ann"}).json() == []
    assert "prod: units: not updated" in (home / "log").read_text()
    assert httpx.get(f"{url}/api/v2/usage").status_code == 401
    refused = 'rackwatt_accounting_refused_requests_total{reason="no_identity"} 1'
    assert refused in httpx.get(f"{url}/metrics").text


def test_check_says_why_a_source_does_not_answer(home: Path) -> None:
    done = subprocess.run(arguments(home, "check"), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.startswith("prod: slurm/cli: ")
    assert "sacct cannot reach slurmdbd" in done.stdout


def test_fill_says_how_to_go_on_after_a_failure(home: Path) -> None:
    done = subprocess.run(
        arguments(home, "fill", "--from=2026-11-01", f"--storage=sqlite:///{home}/a.db"),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "prod: run the same command again to go on" in done.stderr


def test_check_notes_fields_that_nothing_applies(home: Path) -> None:
    document = home / "prod.yaml"
    factor = "carbon: [{name: grid, gramsPerKilowattHour: 50, source: us, from: 2026-01-01}]"
    document.write_text(document.read_text() + f"    {factor}\n")
    done = subprocess.run(arguments(home, "check"), capture_output=True, text=True)
    assert done.stderr == "note: prod: spec.accounting.carbon: nothing uses it yet\n"


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ("mysql://h/d", "'mysql' is no database of ours"),
        ("postgresql://u:hunter2@h/d", "a URL with a password belongs into --storage.file"),
    ],
)
def test_run_refuses_a_database_that_it_cannot_use(home: Path, storage: str, message: str) -> None:
    done = subprocess.run(
        arguments(home, "run", f"--storage={storage}"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "hunter2" not in done.stderr


def test_exporter_loads_nothing_of_accounting() -> None:
    code = "import sys, rackwatt_exporter.commands.run; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"rackwatt_accounting", "sqlalchemy", "alembic", "asyncpg", "joserfc"}
