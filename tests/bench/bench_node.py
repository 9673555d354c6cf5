"""What an exporter costs a node that it measures from inside: memory, and processor for a scrape.

The tree of /sys is laid out as kernels have it (tests/exporter/collectors/node_tree.py); /proc is this machine's own. It runs
as the image runs it (Dockerfile), with bytecode compiled before: to compile at each start takes
5 MiB more. A collector that finds nothing in that tree is not measured.
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
from rackwatt_exporter.reading import ReadError, Reason
from tests.bench.process import cost, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.collectors.node_tree import NodeTree
from tests.exporter.commands.exporter_process import Running, running

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 15s, node: {collectors: [COLLECTORS]}}
"""
# What is chosen, and the budget of the resident memory in MiB.
CHOICES = (("rapl, cpu", 38.0), ("auto", 42.0))
# What is there before a line of ours: an event loop, a web server, readers of YAML and of models.
LIBRARIES = """
from rackwatt_exporter.lazy_modules import register_openssl
register_openssl()
import rackwatt_exporter.web  # of aiohttp its server alone
import asyncio, aiohttp.web, msgspec, yaml
async def hold():
    print("held", flush=True)
    input()
asyncio.run(hold())
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


def reading_us(name: str, host: HostPaths, tree: NodeTree, times: int) -> float | None:
    """Return the processor time of one warm reading in microseconds; None of what is absent."""

    async def read() -> float | None:
        made = collector(CollectorConfig(name, "nodes"), host, Secrets(Path("/nonexistent")))
        try:
            await made.read()
        except ReadError as error:
            if error.reason is Reason.ABSENT:
                return None
            raise
        spent_s = 0.0
        for _ in range(times):
            tree.scan()
            began_s = time.process_time()
            await made.read()
            spent_s += time.process_time() - began_s
        await made.close()
        return 1e6 * spent_s / times

    return asyncio.run(read())


def started(directory: Path, scrapes: int, collectors: str, budget_mib: float) -> list[Figure]:
    """Run an exporter with some collectors, and scrape it."""
    (directory / "nodes.yaml").write_text(DOCUMENT.replace("COLLECTORS", collectors))
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
        Figure(f"resident with {collectors}", held_mib, "MiB", budget_mib, note=note),
        Figure(
            f"processor for one scrape with {collectors}",
            1000 * spent_s / scrapes,
            "ms",
            note="all of the page, and the readings meanwhile",
        ),
    ]


def _scrape(run: Running, times: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(run.url).netloc, timeout=60)
    for _ in range(times):
        connection.request("GET", "/metrics")
        connection.getresponse().read()
    connection.close()


def section(readings: list[Figure], process: list[Figure]) -> str:
    """Write the part of the page."""
    return f"## A node from inside\n\n{figures([*readings, *process])}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--readings", type=int, default=5000)
    parser.add_argument("--scrapes", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        host = HostPaths("n1", sysfs=directory / "sys")
        readings, process = [], []
        with NodeTree(directory / "sys") as tree:
            for collected in COLLECTORS:
                progress(f"reading {collected}")
                spent_us = reading_us(collected, host, tree, arguments.readings)
                if spent_us is not None:
                    what = f"processor for a reading of {collected}"
                    readings.append(Figure(what, spent_us, "µs"))
            for collectors, budget_mib in CHOICES:
                progress(f"scraping {collectors}")
                process += started(directory, arguments.scrapes, collectors, budget_mib)
        print(section(readings, process))


if __name__ == "__main__":
    main()
