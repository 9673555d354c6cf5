"""What a reading costs without a protocol: poller, store, ledger, and whatever else runs.

The readings are made up (`method: fake`), so that nothing but the exporter is measured. No client
scrapes meanwhile: what a scrape of all targets takes, in every thread, is measured after that.
"""

import argparse
import gzip
import re
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.bench.process import Cost, cost, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.commands.exporter_process import Running, running

BUDGET_MS = 0.04
SETTLE_INTERVALS = 2  # until a fleet that was met at once is spread over the interval
DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: lab}}
spec:
  interval: {interval_ms:.0f}ms
  bmc:
    method: fake
    hosts: [{{names: "n[1-{targets}]", type: compute, rack: r1}}]
"""
_READS = re.compile(r"^rackwatt_target_reads_total\S+ (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Readings:
    """What so many readings cost, and seconds of processor time of one scrape afterwards."""

    reads: int
    elapsed_s: float
    cost: Cost
    scrape_s: float
    resident_mib: float


def measure(targets: int, intervals: int, interval_s: float, scrapes: int) -> Readings:
    """Poll so many targets for so many intervals, then scrape them."""
    with tempfile.TemporaryDirectory() as name:
        document = Path(name) / "lab.yaml"
        document.write_text(DOCUMENT.format(interval_ms=1000 * interval_s, targets=targets))
        with running(
            "run", f"--config.file={document}", f"--state.directory={name}/state",
            "--web.listen-address=127.0.0.1:0",
        ) as run:  # fmt: skip
            run.until_served(lambda text: text == "ready\n", "/readyz")
            time.sleep(SETTLE_INTERVALS * interval_s)
            pid = run.process.pid
            before = _reads(run)
            began_s, costs = time.monotonic(), cost(pid)
            progress(f"{targets} targets, {intervals} intervals")
            time.sleep(intervals * interval_s)
            spent, elapsed_s = cost(pid) - costs, time.monotonic() - began_s
            reads = _reads(run) - before
            scrape_s = _scrape_s(run, scrapes, spent.cpu_s / elapsed_s)
            return Readings(reads, elapsed_s, spent, scrape_s, resident_mib(pid))


def _scrape_s(run: Running, scrapes: int, idle: float) -> float:
    """Return the processor time of one scrape, beyond the share that polling takes."""
    began_s, before = time.monotonic(), cost(run.process.pid)
    for _ in range(scrapes):
        _reads(run)
    elapsed_s = time.monotonic() - began_s
    return ((cost(run.process.pid) - before).cpu_s - idle * elapsed_s) / scrapes


def _reads(run: Running) -> int:
    request = urllib.request.Request(f"{run.url}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as response:
        body = response.read()
        packed = response.headers.get("Content-Encoding") == "gzip"
    text = (gzip.decompress(body) if packed else body).decode()
    return sum(map(int, _READS.findall(text)))


def section(targets: int, interval_s: float, found: Readings) -> str:
    """Write the part of the page."""
    intro = f"{targets:,} made-up targets, every {interval_s:g} s, a state directory."
    cpu_s = found.cost.cpu_s
    rows = [
        Figure(
            "processor for a reading, everything counted but a protocol",
            1000 * cpu_s / found.reads,
            "ms",
            BUDGET_MS,
            note=f"{found.reads:,} readings, no scrape",
        ),
        Figure("processor, of one core", cpu_s / found.elapsed_s),
        Figure(
            "processor for a scrape of all, compressed", 1000 * found.scrape_s, "ms",
            note="in all threads",
        ),
        Figure("resident memory", found.resident_mib, "MiB"),
    ]  # fmt: skip
    return f"## A reading without a protocol\n\n{intro}\n\n{figures(rows)}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--intervals", type=int, default=6)
    parser.add_argument("--interval", type=float, default=10)
    parser.add_argument("--scrapes", type=int, default=10)
    said = parser.parse_args()
    found = measure(said.targets, said.intervals, said.interval, said.scrapes)
    print(section(said.targets, said.interval, found))


if __name__ == "__main__":
    main()
