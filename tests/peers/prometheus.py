"""Start a real Prometheus with a configuration, and ask it what it has."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.eventually import PATIENCE_S
from tests.peers.ports import free_port


def tool(name: str) -> str:
    """Find a program of the Debian package."""
    found = shutil.which(name)
    assert found, "the Debian package prometheus is missing: make setup"
    return found


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str, pid: int, log: Path, **access: Any) -> None:
        self.url = url
        self._pid = pid
        self._client = httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE_S, **access)
        self._log = log

    def close(self) -> None:
        """Stop Prometheus."""
        self._client.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now."""
        reply = self._client.get("/query", params={"query": expression}).raise_for_status()
        found: list[dict[str, Any]] = reply.json()["data"]["result"]
        return found

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep it from running, its socket open, until the block ends."""
        os.kill(self._pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pid, signal.SIGCONT)

    def targets(self) -> list[dict[str, Any]]:
        """Return its targets and their state."""
        reply = self._client.get("/targets").raise_for_status()
        found: list[dict[str, Any]] = reply.json()["data"]["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Return its rules and their health."""
        reply = self._client.get("/rules").raise_for_status()
        return [rule for group in reply.json()["data"]["groups"] for rule in group["rules"]]

    def until(self, predicate: Callable[["Prometheus"], object]) -> None:
        """Wait for something to be so."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not self._fulfils(predicate):
            assert time.monotonic() < deadline_s, self._log.read_text()
            time.sleep(0.1)

    def _fulfils(self, predicate: Callable[["Prometheus"], object]) -> object:
        try:
            return predicate(self)
        except httpx.HTTPError:
            return None


@contextmanager
def prometheus(
    directory: Path,
    config: dict[str, Any],
    web_config: Path | None = None,
    blocks: Path | None = None,
    **access: Any,
) -> Iterator[Prometheus]:
    """Run one over a folder of its own, until it is left; `blocks` is OpenMetrics of the past.

    With a web configuration it has TLS, and `access` is what a client of httpx needs then.
    """
    directory.mkdir()
    path, log = directory / "prometheus.yml", directory / "log"
    path.write_text(yaml.safe_dump(config))
    if blocks is not None:
        create = ["tsdb", "create-blocks-from", "openmetrics", str(blocks), str(directory / "data")]
        subprocess.run([tool("promtool"), *create], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={path}",
                f"--storage.tsdb.path={directory / 'data'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
                *([f"--web.config.file={web_config}"] if web_config else ()),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    running = Prometheus(
        f"http{'s' if web_config else ''}://127.0.0.1:{port}", process.pid, log, **access
    )
    try:
        running.until(lambda peer: peer.query("1"))
        yield running
    finally:
        running.close()
        process.kill()
        process.wait()
