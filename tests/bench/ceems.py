"""ceems_exporter beside ours, where CEEMS_EXPORTER has the path of its program, on the same tree.

Where it has none, its figures are those that were measured once: version 0.10.2, on trees of as many jobs.
"""

import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.bench.process import cost
from tests.peers.ports import free_port

VARIABLE = "CEEMS_EXPORTER"
# Milliseconds of processor time for a scrape, by version of control groups and number of jobs.
MEASURED_MS = {(1, 64): 40.0, (1, 500): 286.0, (2, 64): 69.0, (2, 500): 490.0}
UNITS = b"ceems_compute_units"
_READY_S = 30.0
_WARM, _SCRAPES = 5, 20


class CeemsError(Exception):
    """It does not start, or shows other units than there are; the message says so."""


def scrape_ms(sysfs: Path, procfs: Path, jobs: int, move: Callable[[], None]) -> float | None:
    """Return what a scrape takes of the processor; None where there is no program.

    Raises:
        CeemsError: it does not start, or shows other units than there are.
    """
    program = os.environ.get(VARIABLE)
    if not program:
        return None
    port = free_port()
    flags = (
        f"--path.sysfs={sysfs}",
        f"--path.procfs={procfs}",
        f"--path.cgroupfs={sysfs}/fs/cgroup",
    )
    command = [program, "--collector.slurm", *flags, f"--web.listen-address=127.0.0.1:{port}"]
    with tempfile.TemporaryFile("w+") as log:
        try:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        except OSError as error:
            raise CeemsError(str(error)) from error
        try:
            shown = _until_ready(process, port)
            if f"{jobs}".encode() not in shown:
                log.seek(0)
                raise CeemsError(
                    f"{program} shows {shown!r} units, not {jobs}: {log.read()[-500:]}"
                )
            return 1e3 * _spent_s(process.pid, port, move) / _SCRAPES
        finally:
            process.kill()
            process.wait()


def _spent_s(pid: int, port: int, move: Callable[[], None]) -> float:
    for _ in range(_WARM):
        _page(port)
    before = cost(pid)
    for _ in range(_SCRAPES):
        move()
        _page(port)
    return (cost(pid) - before).cpu_s


def _until_ready(process: "subprocess.Popen[bytes]", port: int) -> list[bytes]:
    """Wait for its first page; return how many units it shows."""
    deadline_s = time.monotonic() + _READY_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with suppress(OSError):
            page = _page(port)
            return [line.split()[-1] for line in page.splitlines() if line.startswith(UNITS)]
        time.sleep(0.05)
    raise CeemsError(f"{process.args!r} does not start")


def _page(port: int) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read()
    connection.close()
    return page
