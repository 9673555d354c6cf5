"""`rackwatt-operator run`: its messages when it cannot start, and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.operator.operator_process import operating

COMMAND = [sys.executable, "-m", "rackwatt_operator", "run"]


def run_operator(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"HOME": "/nowhere"},
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--namespace=Not_One", "is no namespace"),
        ("--lease.duration=soon", "--lease.duration"),
        ("--lease.duration=10ms", "less than a second"),
        ("--resync.interval=0s", "--resync.interval"),
        ("--web.listen-address=8080", "is not HOST:PORT"),
        ("--web.listen-address=:99999", "is not HOST:PORT"),
    ],
)
def test_run_reports_an_invalid_flag(flag: str, words: str) -> None:
    status, text = run_operator(flag)
    assert status == 2
    assert words in text
    assert "Traceback" not in text


def test_run_reports_missing_credentials_for_an_api_server(tmp_path: Path) -> None:
    status, text = run_operator(f"--kubeconfig={tmp_path}/none")
    assert status == 1
    assert "no credentials for an API server" in text
    assert f"{tmp_path}/none does not exist" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a word",
        "- a\n- b",
        "current-context: {a\n",
        "\udcff",
        "current-context: a\ncontexts: 3",
    ],
    ids=["empty", "word", "list", "no-yaml", "bytes", "other"],
)
def test_run_reports_an_invalid_kubeconfig(text: str, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_bytes(text.encode(errors="surrogateescape"))
    status, words = run_operator(f"--kubeconfig={file}", "--web.listen-address=127.0.0.1:0")
    assert status == 1
    assert f"in {file}: " in words
    assert "Traceback" not in words


def test_run_reports_an_authority_that_is_no_certificate(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    (tmp_path / "ca.crt").write_text("no certificate")
    file.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {cluster: c, user: u}}]\n"
        "users: [{name: u, user: {token: t}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', "
        f"certificate-authority: {tmp_path}/ca.crt}}}}]\n"
    )
    status, words = run_operator(f"--kubeconfig={file}", "--web.listen-address=127.0.0.1:0")
    assert status == 1
    assert "no certificate or crl found" in words
    assert "Traceback" not in words


def test_run_reports_invalid_defaults(tmp_path: Path) -> None:
    file = tmp_path / "defaults.yaml"
    file.write_text("logLevel: loud\n")
    status, text = run_operator(f"--defaults.file={file}")
    assert status == 2
    assert "logLevel" in text
    assert "Traceback" not in text


def test_run_reports_a_port_in_use(operated: Cluster, namespace: str) -> None:
    flags = (f"--lease.namespace={namespace}", f"--namespace={namespace}")
    with operating(operated, *flags) as first:
        port = first.log.read_text().partition(" port ")[2].split('"')[0].split()[0]
        status, text = run_operator(
            f"--kubeconfig={operated.kubeconfig}", f"--web.listen-address=127.0.0.1:{port}", *flags
        )
        assert status == 1
        assert f"cannot listen on 127.0.0.1:{port}" in text
        assert "Unclosed" not in text
        first.stop()
        assert "stopped, released the Lease" in first.log.read_text()
