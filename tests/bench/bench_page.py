"""How long a scrape takes while the exporter polls, and what it costs the event loop.

Ten thousand series, then a hundred thousand; as they are and compressed. The cost is that of the
thread of the loop alone, beyond what polling takes: compression is done in another. Beside it is
the cost of any response, measured on the shortest one.
"""

import argparse
import http.client
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.fleet import WELL, Plan, simulated
from tests.bench.load import exporter
from tests.bench.process import cost, resident_mib
from tests.bench.report import Figure, figures, progress, with_unit
from tests.exporter.commands.exporter_process import Running

SERIES_OF_A_TARGET = 14  # with a scheduler's state, and the BMC's own statistics
PAUSE_S = 0.02
BUDGETS = {"p50": 5.0, "p99": 50.0, "loop": 2.0}  # of 10,000 series


@dataclass(frozen=True, slots=True)
class Scrapes:
    """What scrapes of one page took: each one's milliseconds, those of the loop, its size."""

    took_ms: list[float]
    loop_ms: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Page:
    """One size of page: plain, compressed, any short answer, and the exporter's memory before."""

    targets: int
    series: int
    plain: Scrapes
    gzip: Scrapes
    bare: Scrapes
    resident_mib: float


def measure(targets: int, scrapes: int, interval_s: float) -> Page:
    """Poll so many targets, and scrape them."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        plan = Plan(targets, scenario=WELL, interval_s=interval_s)
        with simulated(plan, directory / "fleet"), exporter(directory) as run:
            run.until_served(lambda text: text == "ready\n", "/readyz")
            time.sleep(2 * interval_s)
            before_mib = resident_mib(run.process.pid)
            idle = _idle_share(run, interval_s)
            plain, gzip, bare = (
                _scraped(run, path, how, scrapes, idle)
                for path, how in (("/metrics", "identity"), ("/metrics", "gzip"), ("/healthz", ""))
            )
            lines = run.get("/metrics").splitlines()
            series = sum(bool(line) and not line.startswith("#") for line in lines)
            return Page(targets, series, plain, gzip, bare, before_mib)


def _idle_share(run: Running, interval_s: float) -> float:
    """Return the share of a core that the loop takes between scrapes."""
    began_s, before = time.monotonic(), cost(run.process.pid)
    time.sleep(interval_s)
    return (cost(run.process.pid) - before).loop_s / (time.monotonic() - began_s)


def _scraped(run: Running, path: str, encoding: str, scrapes: int, idle: float) -> Scrapes:
    progress(f"scraping {path} {encoding}")
    connection = http.client.HTTPConnection(urlsplit(run.url).netloc, timeout=60)
    began_s, before = time.monotonic(), cost(run.process.pid)
    took_ms, size = [], 0
    for _ in range(scrapes):
        started_s = time.monotonic()
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        size = len(connection.getresponse().read())
        took_ms.append(1000 * (time.monotonic() - started_s))
        time.sleep(PAUSE_S)
    connection.close()
    spent_s = (cost(run.process.pid) - before).loop_s - idle * (time.monotonic() - began_s)
    return Scrapes(sorted(took_ms), 1000 * spent_s / scrapes, size)


def rows(page: Page, budgets: dict[str, float]) -> list[Figure]:
    """Return the figures of one page with its budgets, if it has any."""
    result = []
    any_answer = f"{with_unit(page.bare.loop_ms, 'ms')} of it for any answer"
    for how, scrapes in (("plain", page.plain), ("gzip", page.gzip)):
        took = scrapes.took_ms
        note = f"{len(took)} scrapes of {scrapes.bytes / 1e6:.2f} MB"
        result += [
            Figure(f"{how}, p50", statistics.median(took), "ms", budgets.get("p50"), note=note),
            Figure(f"{how}, p99", _p99(took), "ms", budgets.get("p99"), note=note),
            Figure(
                f"{how}, the loop's processor for one",
                scrapes.loop_ms,
                "ms",
                budgets.get("loop"),
                note=any_answer,
            ),
        ]
    return result


def memory(small: Page, large: Page) -> list[Figure]:
    """Return the resident memory of both sizes, and of a thousand targets more."""
    more = (large.targets - small.targets) / 1000
    slope = (large.resident_mib - small.resident_mib) / more
    return [
        Figure(f"resident with {small.targets:,} targets", small.resident_mib, "MiB"),
        Figure(f"resident with {large.targets:,} targets", large.resident_mib, "MiB"),
        Figure("resident for 1,000 targets more", slope, "MiB"),
    ]


def section(small: Page, large: Page) -> str:
    """Write the part of the page."""
    parts = ["## /metrics while polling\n"]
    for page, budgets in ((small, BUDGETS), (large, {})):
        intro = f"{page.series:,} series of {page.targets:,} IPMI targets, scraped in sequence:"
        parts.append(f"{intro}\n\n{figures(rows(page, budgets))}\n")
    parts.append(f"Memory, before the first scrape:\n\n{figures(memory(small, large))}\n")
    return "\n".join(parts)


def _p99(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, nargs=2, default=(10_000, 100_000))
    parser.add_argument("--scrapes", type=int, default=150)
    parser.add_argument("--interval", type=float, default=10)
    arguments = parser.parse_args()
    pages = []
    for series in arguments.series:
        progress(f"{series} series")
        pages.append(measure(series // SERIES_OF_A_TARGET, arguments.scrapes, arguments.interval))
    print(section(*pages))


if __name__ == "__main__":
    main()
