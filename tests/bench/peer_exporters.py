"""Cost of a scrape of Debian's exporters for IPMI and SNMP, scraped as Prometheus scrapes them.

They are in packages of their own, which `make bench` installs; without them the report says so.
"""

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.bench.process import cost
from tests.bench.report import progress
from tests.peers.ports import free_port

READY_DEADLINE_S = 30.0
SCRAPE_DEADLINE_S = 60.0
AT_ONCE = 4


class AbsentError(Exception):
    """An exporter is not installed, or did not answer as expected; the message says which."""


@dataclass(frozen=True, slots=True)
class PeerExporter:
    """A running exporter, which is given the target with each scrape."""

    pid: int
    port: int
    path: str

    def scrape(self, target: str, **more: str) -> str:
        """Scrape one target, and return the page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SCRAPE_DEADLINE_S)
        connection.request("GET", f"{self.path}?{urlencode({'target': target, **more})}")
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise AbsentError(f"{self.path} of {target} says {answer.status}: {text[:200]}")
        return text

    def cost_ms(self, targets: Sequence[str], sweeps: int, proof: str, **more: str) -> float:
        """Return the milliseconds of processor time of one scrape, children included.

        Each page must have the line `proof`: a scrape that failed quickly would be a cheap one.
        """
        before = cost(self.pid)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            pages = list(pool.map(partial(self.scrape, **more), list(targets) * sweeps))
        spent = cost(self.pid) - before
        if failed := [page for page in pages if proof not in page]:
            raise AbsentError(f"{len(failed)} of {len(pages)} scrapes without {proof!r}")
        return 1000 * (spent.cpu_s + spent.children_s) / len(pages)


@contextmanager
def peer_exporter(
    program: str, path: str, config: dict[str, Any], directory: Path
) -> Iterator[PeerExporter]:
    """Run an exporter over a configuration until the block ends.

    Raises:
        AbsentError: it is not installed, or does not start.
    """
    binary = shutil.which(program)
    if binary is None:
        progress(f"!!! {program} IS NOT INSTALLED: nothing is measured beside it (make bench)")
        raise AbsentError(f"the Debian package {program} is not installed")
    file, log = directory / f"{program}.yml", directory / f"{program}.log"
    file.write_text(yaml.safe_dump(config))
    port = free_port()
    command = [binary, f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}"]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        _wait(process, port, log)
        yield PeerExporter(process.pid, port, path)
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline_s = time.monotonic() + READY_DEADLINE_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AbsentError(f"{process.args!r} did not start: {log.read_text()[-500:]}")
