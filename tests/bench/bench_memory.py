"""Whether memory grows: as many sweeps as hours have, over a fleet of which much is ill.

An hour at 10 s has 360 sweeps. Here a sweep takes a fraction of a second, and pages are requested
throughout: memory kept for each reading, failure, login or page would show. The run lasts
`--seconds`, and the report gives the hours that its sweeps amount to. Fewer sweeps than an hour has
are not a measurement.

`python -m tests.bench.bench_memory`; the flags are for a smaller or longer try.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rackwatt_exporter.simulator.scenario import Method
from tests.bench.fleet import Fleet, Plan, simulated
from tests.bench.load import exporter
from tests.bench.process import descriptors, resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.commands.exporter_process import Running

SWEEPS_OF_AN_HOUR = 360
SHARES = (0.2, 0.6, 1.0)  # of the run, at which memory is looked at
LOOK_S = 0.5
PAGES = ("/metrics", "/", "/status", "/plain", "/targets")
GROWTH_MIB = 2.0
FAULTS = """
seed: 11
faults:
  - {latency: 2ms}
  - {share: 5%, dead: true}
  - {share: 5%, slow: 300ms}
  - {share: 5%, restarts: {every: 7s, down: 2s}}
  - {share: 3%, loss: 5%}
  - {share: 3%, garbage: 20%}
  - {share: 2%, wrongCredentials: true}
"""
_READS = re.compile(r'^rackwatt_target_reads_total\{node="[^"]+"\} (\d+)$', re.MULTILINE)
_ERRORS = re.compile(r"^rackwatt_target_errors_total\S+ (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: sweeps of the well until now, readings, failures, memory, descriptors."""

    sweeps: int
    reads: int
    failures: int
    resident_mib: float
    descriptors: int


def measure(plan: Plan, seconds: float) -> tuple[list[Look], int]:
    """Run for so many seconds; return a look at each share of them, and the number of requests."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with simulated(plan, directory / "fleet") as fleet, exporter(directory) as run:
            run.until_served(lambda text: text == "ready\n", "/readyz")
            began_s, looks, requests = time.monotonic(), list[Look](), 0
            for share in SHARES:
                *earlier, look = _looks(run, fleet, began_s + share * seconds)
                requests += len(PAGES) * (len(earlier) + 1)
                looks.append(look)
                progress(f"{share:.0%}, {look.sweeps} sweeps: {look.resident_mib:.1f} MiB")
            return looks, requests


def _looks(run: Running, fleet: Fleet, until_s: float) -> Iterator[Look]:
    """Request every page repeatedly until `until_s`, and once at least."""
    while True:
        pages = [run.get(path) for path in PAGES]
        fleet.counts()
        reads = sorted(map(int, _READS.findall(pages[0])))
        failures = sum(map(int, _ERRORS.findall(pages[0])))
        pid = run.process.pid
        sweeps = reads[len(reads) // 2] if reads else 0  # of one that is well, as most are
        yield Look(sweeps, sum(reads), failures, resident_mib(pid), descriptors(pid))
        if time.monotonic() > until_s:
            return
        time.sleep(LOOK_S)


def section(plan: Plan, looks: list[Look], requests: int) -> str:
    """Write the part of the page."""
    intro = (
        f"{plan.bmcs:,} simulated BMCs over {', '.join(plan.methods)}, every {plan.interval_s:g} s;"
        " 5 % are dead, 5 % slow, 5 % restart every 7 s, and others lose packets, answer garbage or"
        f" know another password. {requests:,} pages were requested meanwhile."
    )
    return f"## Memory over {looks[-1].sweeps:,} sweeps\n\n{intro}\n\n{figures(rows(looks))}\n"


def rows(looks: list[Look]) -> list[Figure]:
    """Return the measured figures with their budgets."""
    first, middle, last = looks
    at = [
        Figure(f"resident memory at {share:.0%} of the run", look.resident_mib, "MiB")
        for share, look in zip(SHARES, looks, strict=True)
    ]
    hours = last.sweeps / SWEEPS_OF_AN_HOUR
    # What has become less has not grown.
    grown, late = (max(0.0, last.resident_mib - then.resident_mib) for then in (first, middle))
    return [
        Figure("sweeps", last.sweeps, note=f"as many as {hours:.1f} hours at 10 s have"),
        Figure("readings", last.reads),
        Figure("failures", last.failures),
        *at,
        Figure("growth from 20 % to 100 %", grown, "MiB", GROWTH_MIB),
        Figure("growth from 60 % to 100 %", late, "MiB", GROWTH_MIB),
        Figure("descriptors at 20 %", first.descriptors),
        Figure("descriptors at 100 %", last.descriptors),
    ]


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bmcs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=420.0)
    parser.add_argument("--sweeps", type=int, default=SWEEPS_OF_AN_HOUR, help="at the least")
    parser.add_argument("--interval", type=float, default=0.1)
    arguments = parser.parse_args()
    methods: tuple[Method, ...] = ("ipmi", "redfish", "snmp")
    plan = Plan(arguments.bmcs, methods, FAULTS, arguments.interval, timeout_s=1.0)
    looks, requests = measure(plan, arguments.seconds)
    if looks[-1].sweeps < arguments.sweeps:
        raise SystemExit(
            f"{looks[-1].sweeps} sweeps in {arguments.seconds:.0f} s, fewer than {arguments.sweeps}"
        )
    print(section(plan, looks, requests))


if __name__ == "__main__":
    main()
