"""What an exporter costs a node that it measures from inside: memory, and processor for a scrape.

The tree of /sys is laid out as a kernel of two sockets has it; /proc is this machine's own. It runs
as the image runs it (Dockerfile), with bytecode compiled before: to compile at each start takes
5 MiB more.
"""

import argparse
import asyncio
import http.client
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from rackwatt_exporter.collectors.registry import COLLECTORS, collector
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from tests.bench.process import cost, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.commands.exporter_process import Running, running

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 15s, node: {collectors: [rapl, cpu]}}
"""
RESIDENT_MIB = 38.0
# What is there before a line of ours: an event loop, a web server, readers of YAML and of models.
LIBRARIES = """
import rackwatt_exporter.web  # of aiohttp its server alone
import asyncio, uvloop, aiohttp.web, msgspec, yaml
async def hold():
    print("held", flush=True)
    input()
uvloop.run(hold())
"""
WARM = 50


def libraries_mib(environment: dict[str, str]) -> float:
    """Return the resident memory of Python with the libraries that every exporter imports."""
    command = [sys.executable, "-c", LIBRARIES]
    with subprocess.Popen(
        command, stdin=-1, stdout=-1, env={**os.environ, **environment}
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        held_mib = resident_mib(process.pid)
        process.stdin.write(b"\n")
        process.stdin.close()
    return held_mib


def reading_us(name: str, host: HostPaths, times: int) -> float:
    """Return the processor time of one warm reading in microseconds."""

    async def read() -> float:
        made = collector(CollectorConfig(name, "nodes"), host, Secrets(Path("/nonexistent")))
        await made.read()
        began_s = time.process_time()
        for _ in range(times):
            await made.read()
        spent_s = time.process_time() - began_s
        await made.close()
        return spent_s

    return 1e6 * asyncio.run(read()) / times


def started(directory: Path, scrapes: int) -> list[Figure]:
    """Run an exporter with both collectors, and scrape it."""
    (directory / "nodes.yaml").write_text(DOCUMENT)
    given = (f"--config.file={directory}/nodes.yaml", f"--path.sysfs={directory}/sys")
    as_image = {
        "PYTHONPYCACHEPREFIX": str(directory / "compiled"),
        "PYTHONDONTWRITEBYTECODE": "",
        "FROZENLIST_NO_EXTENSIONS": "1",
        "PYTHONOPTIMIZE": "2",
        "PYTHONNODEBUGRANGES": "1",
    }
    command = ("run", *given, "--web.listen-address=127.0.0.1:0")
    with running(*command, **as_image) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        run.stop()
    with running(*command, **as_image) as run:
        run.until_served(lambda text: text == "ready\n", "/readyz")
        _scrape(run, WARM)
        before = cost(run.process.pid)
        _scrape(run, scrapes)
        spent_s = (cost(run.process.pid) - before).cpu_s
        held_mib = resident_mib(run.process.pid)
    floor_mib = libraries_mib(as_image)
    note = f"{floor_mib:.1f} of it Python and libraries, before a line of ours; shared pages count"
    return [
        Figure("resident", held_mib, "MiB", RESIDENT_MIB, note=note),
        Figure("processor for one scrape", 1000 * spent_s / scrapes, "ms", note="all of the page"),
    ]


def _scrape(run: Running, times: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(run.url).netloc, timeout=60)
    for _ in range(times):
        connection.request("GET", "/metrics")
        connection.getresponse().read()
    connection.close()


def section(readings: list[Figure], process: list[Figure]) -> str:
    """Write the part of the page."""
    return f"## A node from inside, rapl and cpu\n\n{figures([*readings, *process])}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, default=5000)
    parser.add_argument("--scrapes", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        Powercap(directory / "sys", XEON)
        host = HostPaths("n1", sysfs=directory / "sys")
        readings = []
        for collected in COLLECTORS:
            progress(f"reading {collected}")
            spent_us = reading_us(collected, host, arguments.readings)
            readings.append(Figure(f"processor for a reading of {collected}", spent_us, "µs"))
        progress("scraping")
        print(section(readings, started(directory, arguments.scrapes)))


if __name__ == "__main__":
    main()
