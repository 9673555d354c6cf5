"""What a target takes in Prometheus: series, samples, bytes on disk.

Real pages of the exporter, over three protocols, become blocks by Prometheus' own tool. They are
taken in quick succession, and dated as if taken every 30 s, so that an hour of samples takes a
minute.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleet import WELL, Plan, simulated
from tests.bench.load import exporter
from tests.bench.report import Figure, figures, progress, table, with_unit
from tests.exporter.commands.exporter_process import Running
from tests.peers.prometheus import tool

STEP_S = 30
BEGAN_S = 1_767_225_600  # a whole number of blocks since the epoch
DAY_S = 86_400
FLEETS = (10_000, 50_000, 100_000)
INTERVALS_S = (10, 30, 60)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored of some targets."""

    targets: int
    series: int
    samples: int
    chunk_bytes: int
    index_bytes: int

    @property
    def series_of_one(self) -> float:
        """Return the number of series of a target."""
        return self.series / self.targets

    @property
    def bytes_of_a_sample(self) -> float:
        """Return the bytes of a sample, without the index."""
        return self.chunk_bytes / self.samples

    def bytes_a_day(self, targets: int, interval_s: float) -> float:
        """Return the bytes that so many targets take in a day, with the index of one day's block."""
        series = self.series_of_one * targets
        index = series * self.index_bytes / self.series
        return series * DAY_S / interval_s * self.bytes_of_a_sample + index


def measure(targets: int, pages: int, interval_s: float) -> Stored:
    """Poll so many targets, keep so many pages of them, and make a block of these."""
    plan = Plan(targets, ("ipmi", "redfish", "snmp"), WELL, interval_s)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with simulated(plan, directory / "fleet"), exporter(directory) as run:
            run.until_served(lambda text: text == "ready\n", "/readyz")
            time.sleep(2 * interval_s)
            progress(f"{pages} pages, one in {interval_s:g} s")
            samples = [line for at in range(pages) for line in _dated(run, at, interval_s)]
        (directory / "pages").write_text("\n".join([*samples, "# EOF\n"]))
        command = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
        block = directory / "block"
        subprocess.run([*command, directory / "pages", block], check=True, capture_output=True)
        series = len({line.partition("}")[0] for line in samples})
        chunks, index = (_bytes(block, what) for what in ("*/chunks/*", "*/index"))
        return Stored(targets, series, len(samples), chunks, index)


def _dated(run: Running, at: int, interval_s: float) -> Iterator[str]:
    """Return a page's samples of targets, with the timestamp that each shall have."""
    time.sleep(interval_s)
    for line in run.get("/metrics").splitlines():
        if 'node="' in line:
            yield f"{line} {BEGAN_S + at * STEP_S}"


def _bytes(directory: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in directory.glob(pattern))


def section(stored: Stored) -> str:
    """Write the part of the page."""
    intro = (
        f"{stored.samples:,} samples of {stored.targets} targets, in thirds over IPMI, Redfish and"
        " SNMP, with the state of a scheduler and the profile `power-exporter`."
    )
    measured = [
        Figure("series of a target", stored.series_of_one),
        Figure("bytes of a sample", stored.bytes_of_a_sample),
        Figure("bytes of a series in an index", stored.index_bytes / stored.series),
    ]
    rows = [_row(stored, targets, every_s) for targets in FLEETS for every_s in INTERVALS_S]
    columns = ("targets", "scraped every", "series", "samples per second", "disk for a day")
    return f"## Prometheus' side\n\n{intro}\n\n{figures(measured)}\n\n{table(columns, rows)}\n"


def _row(stored: Stored, targets: int, every_s: float) -> tuple[str, ...]:
    series = stored.series_of_one * targets
    disk = with_unit(stored.bytes_a_day(targets, every_s) / 1e9, "GB")
    return (f"{targets:,}", f"{every_s} s", f"{series:,.0f}", f"{series / every_s:,.0f}", disk)


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=60)
    parser.add_argument("--pages", type=int, default=120)
    parser.add_argument("--interval", type=float, default=0.5)
    arguments = parser.parse_args()
    print(section(measure(arguments.targets, arguments.pages, arguments.interval)))


if __name__ == "__main__":
    main()
