"""A large fleet against the budgets: 10,000 BMCs, the same over three protocols, 50,000.

`python -m tests.bench.bench_load ipmi`; the flags are for a smaller or longer try.
"""

import argparse
from dataclasses import dataclass, replace

from rackwatt_exporter.config.options import IpmiOptions
from tests.bench.fleet import CONTACT_MARGIN, Plan
from tests.bench.load import Load, measure
from tests.bench.packet_counter import Counts
from tests.bench.report import Figure, figures, with_unit

CREDENTIAL_GATE = IpmiOptions.credential_limit


@dataclass(frozen=True, slots=True)
class Case:
    """A fleet, and the budgets of design for it; `stop_s` is what docs/scale.md says to wait."""

    title: str
    plan: Plan
    cores: float
    mib: float
    stop_s: float = 10.0


CASES = {
    "ipmi": Case("10,000 BMCs over IPMI", Plan(10_000), 0.2, 200),
    "mixed": Case(
        "10,000, in thirds over IPMI, Redfish with TLS and SNMPv3",
        Plan(10_000, ("ipmi", "redfish", "snmp")),
        0.35,
        500,
    ),
    "large": Case("50,000 BMCs over IPMI", Plan(50_000), 1.0, 1024, 30.0),
}


def rows(case: Case, load: Load) -> list[Figure]:
    """Return the measured figures with their budgets."""
    share = load.cost.cpu_s / load.elapsed_s
    reads = load.pages[-1].reads - load.pages[0].reads
    return [
        *_freshness(load),
        Figure("processor, of one core", share, "", case.cores),
        Figure("processor for a reading, everything counted", 1000 * load.cost.cpu_s / reads, "ms"),
        Figure("resident memory", load.resident_mib, "MiB", case.mib),
        Figure("resident memory at its most", load.peak_mib, "MiB"),
        *_politeness(case, load),
        *_end(case, load),
    ]


def _freshness(load: Load) -> list[Figure]:
    pages = load.pages[1:]
    fresh = sum(page.fresh for page in pages) / (load.living * len(pages))
    worst = min(page.fresh for page in pages) / load.living
    waited = load.cost.waited_s / load.elapsed_s
    why = ""
    if waited > 0.1:
        why = f"for {waited:.0%} of the time others had the processors while it was ready to run"
    note = f"{len(pages)} looks at {load.living:,} living"
    fleet = load.fleet_cost.cpu_s / load.elapsed_s
    return [
        Figure("the living fresh within 1.2 intervals", fresh, "%", 0.999, "least", why or note),
        Figure("the same at the worst look", worst, "%"),
        Figure("event loop late by, at worst", 1000 * max(p.lag_s for p in pages), "ms"),
        Figure("ready to run and kept waiting, of the time", waited, "%"),
        Figure("processors taken away by the host", load.stolen_s, "s"),
        Figure("packets that found a socket full", load.dropped),
        Figure("processor that the simulated fleet takes", fleet, note=_late(load.steady)),
    ]


def _politeness(case: Case, load: Load) -> list[Figure]:
    progress = f"until each was polled; {load.measured:,} of {load.living:,} living read by then"
    contacts: list[Figure] = []
    if case.plan.methods == ("ipmi",):
        late_s = max(load.first.late_s, load.first_late_s)
        punctual = late_s < CONTACT_MARGIN * case.plan.timeout_s
        gate = CREDENTIAL_GATE if punctual else None
        note = (
            f"as BMCs saw it, {_late(load.first)}; we {with_unit(1000 * load.first_late_s, 'ms')}"
        )
        contacts = [
            Figure("first contacts under way at once", load.first.contacts, "", gate, note=note)
        ]
    return [
        Figure("first sweep", load.sweep_s, "s", note=progress),
        *contacts,
        Figure("packets per second, first sweep at its peak", load.first.peak_per_s),
        Figure("packets per second, afterwards", load.steady.packets / load.elapsed_s),
        Figure("packets per second, afterwards at its peak", load.steady.peak_per_s),
        Figure(
            "descriptors", load.descriptors, "", load.descriptors_needed, note="as logged at start"
        ),
    ]


def _late(counts: Counts) -> str:
    return f"late by {with_unit(1000 * counts.late_s, 'ms')} at worst"


def _end(case: Case, load: Load) -> list[Figure]:
    lost = f"and {load.end.lossy_sessions} at BMCs that lose packets, {load.end.half_open} log-ins"
    open_now = load.steady.sessions + load.steady.lossy_sessions
    return [
        Figure("sessions open while polling", open_now),
        Figure("SIGTERM until the process has ended", load.stop_s, "s", case.stop_s),
        Figure("exit status", load.status, "", 0),
        Figure(
            "sessions left open, as BMCs saw it", load.end.sessions, "", 0, note=f"{lost} started"
        ),
    ]


def section(case: Case, load: Load) -> str:
    """Write the part of the page."""
    plan = case.plan
    intro = (
        f"{plan.bmcs:,} simulated BMCs, every {plan.interval_s:g} s, a state directory, one scrape"
        " in each interval. Answers come after 20 ms; 10 % are dead, 2 % take 500 ms for each"
        " answer, 1 % lose 5 % of their packets each way."
    )
    return f"## {case.title}\n\n{intro}\n\n{figures(rows(case, load))}\n"


def main() -> None:
    """Print the part of the page for one case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES, nargs="?", default="ipmi")
    parser.add_argument("--bmcs", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--interval", type=float, default=10)
    arguments = parser.parse_args()
    case = CASES[arguments.case]
    plan = replace(case.plan, bmcs=arguments.bmcs or case.plan.bmcs, interval_s=arguments.interval)
    case = replace(case, plan=plan)
    print(section(case, measure(plan, arguments.seconds)))


if __name__ == "__main__":
    main()
