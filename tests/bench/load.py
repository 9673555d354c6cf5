"""A large fleet, a tenth of it dead, polled by `rackwatt-exporter run` as users run it.

The fleet is simulated in another process, which counts what reaches it. A Prometheus is played by
one scrape in each interval, compressed, as Prometheus asks for it; freshness is what that page says.
"""

import gzip
import json
import re
import signal
import tempfile
import time
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.fleet import Fleet, Plan, simulated
from tests.bench.packet_counter import Counts
from tests.bench.process import Cost, cost, datagrams_dropped, descriptors, resident_mib, stolen_s
from tests.bench.report import progress
from tests.exporter.commands.exporter_process import Running, running

SWEEP_DEADLINE_S = 400.0
STOP_DEADLINE_S = 120.0
RECEIVED_DEADLINE_S = 5.0
SETTLE_INTERVALS = 3  # BMCs that lost the packets of their first log-in are polled again
FRESH_INTERVALS = 1.2
_AGE = re.compile(r'^rackwatt_target_reading_age_seconds\{node="([^"]+)"\} (\S+)$', re.MULTILINE)
_READS = re.compile(r"^rackwatt_target_reads_total\S+ (\d+)$", re.MULTILINE)
_LAG = re.compile(r"^rackwatt_event_loop_lag_seconds (\S+)$", re.MULTILINE)
_NEED = re.compile(r"file descriptors needed=(\d+)")


@dataclass(frozen=True, slots=True)
class Scraped:
    """Content of one page: fresh nodes among the living, readings taken until now, loop lag."""

    fresh: int
    reads: int
    lag_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """All measurements of one fleet.

    `first_late_s` is how late the exporter was at worst in its first sweep; `fleet_cost` is the
    simulated fleet's own; `dropped` are packets that found a socket full, the exporter's or the
    fleet's.
    """

    living: int
    measured: int
    sweep_s: float
    first_late_s: float
    first: Counts
    pages: list[Scraped]
    elapsed_s: float
    cost: Cost
    fleet_cost: Cost
    dropped: int
    stolen_s: float
    steady: Counts
    resident_mib: float
    peak_mib: float
    descriptors: int
    descriptors_needed: int
    stop_s: float
    status: int
    end: Counts


def measure(plan: Plan, seconds: float) -> Load:
    """Run a fleet and an exporter: first sweep, steady state for so many seconds, end."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        progress(f"simulating {plan.bmcs} BMCs")
        with simulated(plan, directory / "fleet") as fleet, exporter(directory) as run:
            swept = _sweep(run)
            measured = f"{swept[0]} of {len(fleet.living)} living read"
            progress(f"all polled, {measured} after {swept[1]:.0f} s")
            first = fleet.counts()
            time.sleep(SETTLE_INTERVALS * plan.interval_s)
            return _steady(run, fleet, seconds, swept, first)


def exporter(directory: Path) -> AbstractContextManager[Running]:
    """Run the exporter over the fleet whose documents are in `directory`."""
    fleet = directory / "fleet"
    return running(
        "run", f"--config.file={fleet}/documents", f"--secrets.directory={fleet}/secrets",
        f"--state.directory={directory}/state", "--web.listen-address=127.0.0.1:0",
    )  # fmt: skip


def _sweep(run: Running) -> tuple[int, float, float]:
    """Wait until each was polled once; return the number read by then, seconds, and lateness."""
    run.until_logged(_NEED.search)
    began_s, late_s = time.monotonic(), 0.0
    while True:
        late_s = max(late_s, _late_s(run))
        targets = json.loads(run.get("/status"))["targets"]
        took_s = time.monotonic() - began_s
        polled = targets["reachable"] + targets["failing"]
        if polled == targets["configured"] or took_s > SWEEP_DEADLINE_S:
            return targets["measured"], took_s, late_s
        time.sleep(0.5)


def _late_s(run: Running) -> float:
    """Return the seconds that the shortest response takes just now."""
    started_s = time.monotonic()
    run.get("/healthz")
    return time.monotonic() - started_s


def _steady(
    run: Running, fleet: Fleet, seconds: float, swept: tuple[int, float, float], first: Counts
) -> Load:
    pid = run.process.pid
    fleet.counts()
    pages = [_scraped(run, fleet)]
    began_s, costs_before, stolen_before_s = time.monotonic(), _costs(run, fleet), stolen_s()
    while time.monotonic() < began_s + seconds:
        time.sleep(fleet.plan.interval_s)
        pages.append(_scraped(run, fleet))
        state = f"{pages[-1].fresh / len(fleet.living):.2%} fresh, {pages[-1].lag_s:.3f} s late"
        progress(f"{time.monotonic() - began_s:.0f} of {seconds:.0f} s: {state}")
    elapsed_s, costs = time.monotonic() - began_s, _costs(run, fleet)
    spent, fleets = (now - before for now, before in zip(costs, costs_before, strict=True))
    dropped = sum(map(datagrams_dropped, (pid, fleet.pid)))
    stolen, steady = stolen_s() - stolen_before_s, fleet.counts()
    memory, held = (resident_mib(pid), resident_mib(pid, peak=True)), descriptors(pid)
    needed = int(_NEED.findall("".join(run.log))[-1])
    stop_s, status = _stop(run)
    return Load(
        len(fleet.living), *swept, first, pages, elapsed_s, spent, fleets, dropped, stolen, steady,
        *memory, held, needed, stop_s, status, _left(fleet),
    )  # fmt: skip


def _costs(run: Running, fleet: Fleet) -> tuple[Cost, Cost]:
    return cost(run.process.pid), cost(fleet.pid)


def _left(fleet: Fleet) -> Counts:
    """Return what is left open once the fleet has received the last packets."""
    deadline_s = time.monotonic() + RECEIVED_DEADLINE_S
    while (end := fleet.counts()).sessions + end.lossy_sessions and time.monotonic() < deadline_s:
        time.sleep(0.2)
    return end


def _scraped(run: Running, fleet: Fleet) -> Scraped:
    request = urllib.request.Request(f"{run.url}/metrics", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=60) as response:
        text = gzip.decompress(response.read()).decode()
    limit_s = FRESH_INTERVALS * fleet.plan.interval_s
    fresh = sum(float(age) <= limit_s for node, age in _AGE.findall(text) if node in fleet.living)
    (lag,) = _LAG.findall(text)
    return Scraped(fresh, sum(map(int, _READS.findall(text))), float(lag))


def _stop(run: Running) -> tuple[float, int]:
    began_s = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    status = run.process.wait(STOP_DEADLINE_S)
    return time.monotonic() - began_s, status
