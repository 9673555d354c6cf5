"""Reports over TLS, to an exporter whose pages have passwords and want certificates."""

import base64
import json
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.eventually import PATIENCE_S, until
from tests.exporter.commands.exporter_process import running
from tests.exporter.web.tls_files import GOS_HASH, MUTUAL, PASSWORD, TLS, WebFiles
from tests.trace.test_wrapper import BINDING, started, wrapped


class Site:
    """An exporter behind TLS, whose pages are read with a password and the client's certificate."""

    def __init__(self, files: WebFiles, port: str) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self._context = ssl.create_default_context(cafile=files.authority_file)
        self._context.load_cert_chain(files.client)

    def traces(self) -> list[dict[str, Any]]:
        basic = base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/trace?format=json", headers={"Authorization": f"Basic {basic}"}
        )
        with urllib.request.urlopen(request, context=self._context, timeout=PATIENCE_S) as response:
            return list(json.load(response)["processes"])


@contextmanager
def site(files: WebFiles, more: str, **config: object) -> Iterator[Site]:
    folder = files.directory / "documents"
    folder.mkdir()
    (folder / "prod.yaml").write_text(BINDING.format(more=more))
    with running(
        "run", f"--config.file={folder}", f"--secrets.directory={files.directory}",
        "--web.listen-address=127.0.0.1:0", f"--web.config.file={files.write(**config)}",
    ) as run:  # fmt: skip
        yield Site(files, run.url.rpartition(":")[2])


def report_once(*flags: str) -> str:
    """Run a command until its first report, and return what came of that."""
    with started("sh", "-c", "read line", flags=(*flags, "--verbose")) as process:
        assert process.stderr
        line = process.stderr.readline()
        process.communicate("\n", timeout=PATIENCE_S)
    return line.rpartition("}: ")[2] if ": not sent" not in line else line


def test_a_token_takes_the_place_of_the_password_for_reports_alone(tmp_path: Path) -> None:
    files = WebFiles(tmp_path)
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace/token").write_text("secret")
    more = ", tokenSecretRef: {name: trace, key: token}"
    users = {"prometheus": GOS_HASH}
    with site(files, more, tls_server_config=TLS, basic_auth_users=users) as exporter:
        flags = ("--endpoint", exporter.url, "--ca-file", str(files.authority_file))
        assert report_once(*flags).startswith("401 ")
        token = ("--token-file", str(tmp_path / "trace/token"))
        assert "certificate verify failed" in report_once("--endpoint", exporter.url, *token)
        assert exporter.traces() == []
        with started("sh", "-c", "read line", flags=(*flags, *token)):
            until(exporter.traces)
        for path in ("/trace", "/metrics"):
            request = urllib.request.Request(
                exporter.url + path, headers={"Authorization": "Bearer secret"}
            )
            with pytest.raises(urllib.error.HTTPError, match="401") as caught:
                urllib.request.urlopen(request, context=exporter._context, timeout=PATIENCE_S)
            caught.value.close()


def test_without_a_token_a_report_needs_the_password(tmp_path: Path) -> None:
    files = WebFiles(tmp_path)
    users = {"prometheus": GOS_HASH}
    with site(files, "", tls_server_config=TLS, basic_auth_users=users) as exporter:
        flags = ("--endpoint", exporter.url, "--ca-file", str(files.authority_file))
        assert report_once(*flags).startswith("401 authentication required")
        assert exporter.traces() == []


def test_a_report_is_sent_with_a_client_certificate(tmp_path: Path) -> None:
    files = WebFiles(tmp_path)
    with site(files, "", tls_server_config=MUTUAL) as exporter:
        flags = ("--endpoint", exporter.url, "--ca-file", str(files.authority_file))
        assert "not sent" in report_once(*flags)
        assert report_once(*flags, "--client-cert", str(files.client)).startswith("200 ")
        assert exporter.traces()


@pytest.mark.parametrize("flag", ["--token-file", "--ca-file", "--client-cert"])
def test_a_file_that_is_missing_costs_the_report_and_nothing_else(flag: str) -> None:
    flags = ("--endpoint", "https://127.0.0.1:9", flag, "/nonexistent/file")
    assert "No such file" in report_once(*flags)
    done = subprocess.run(wrapped("sh", "-c", "exit 6", flags=flags), timeout=PATIENCE_S)
    assert done.returncode == 6
