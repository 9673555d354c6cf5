"""What the page says of this machine and of the grid: few lines, written at each scrape."""

from collections.abc import Iterator
from itertools import chain

from rackwatt_exporter.board import Board
from rackwatt_exporter.collectors.collector import Findings
from rackwatt_exporter.grid.provider import Intensity
from rackwatt_exporter.machine import InstrumentEntry, Machine
from rackwatt_exporter.page import inside as f
from rackwatt_exporter.page.families import STATE
from rackwatt_exporter.page.family import Family
from rackwatt_exporter.page.health import Samples, line
from rackwatt_exporter.roster import Roster
from rackwatt_exporter.settings.feed import Feed
from rackwatt_exporter.store import Store

Grids = Board[Feed, Intensity]


def machine_samples(machine: Machine, now_s: float) -> Samples:
    """Go through the families of collectors that have samples, each with its lines."""
    told: dict[Family, list[str]] = {family: [] for family in f.PER_MACHINE}
    for entry in machine.entries.values():
        if entry.answer is not None:
            for family, text in chain(
                _measured(machine.node, entry.answer), _energies(machine, entry, entry.answer)
            ):
                told[family].append(text)
    told.update(
        f.COLLECTOR.samples(
            machine.entries.values(), lambda entry: (machine.node, entry.asked.name), now_s
        )
    )
    yield from ((family, lines) for family, lines in told.items() if lines)


def state_samples(machine: Machine, roster: Roster, store: Store) -> Samples:
    """Tell the state of this node, unless it is a target as well and told with the others."""
    name = machine.scheduler
    entry, target = roster.entries.get(name or ""), store.records.get(machine.node)
    state = roster.state(name, machine.node)
    if entry is not None and state is not None and (target is None or target.state is None):
        who = (machine.node, entry.asked.name, entry.asked.cluster, state)
        yield STATE, [line(STATE, who, 1)]


def grid_samples(grids: Grids, now_s: float) -> Samples:
    """Go through the families of the grid that have samples, each with its lines."""
    entries = grids.entries.values()
    intensities = [
        line(f.INTENSITY, (one.asked.zone, one.asked.provider), repr(one.answer.grams_per_joule))
        for one in entries
        if one.answer is not None
    ]
    health = f.GRID.samples(entries, lambda one: (one.asked.zone, one.asked.provider), now_s)
    for family, lines in chain(((f.INTENSITY, intensities),), health):
        if lines:
            yield family, lines


def _measured(node: str, findings: Findings) -> Iterator[tuple[Family, str]]:
    for sample in findings.samples:
        family = f.MEASURED[sample.quantity]
        yield family, line(family, (node, *sample.labels), repr(sample.value))


def _energies(
    machine: Machine, entry: InstrumentEntry, findings: Findings
) -> Iterator[tuple[Family, str]]:
    source = entry.asked.name
    for energy in findings.energies:
        meter = machine.meter(source, energy)
        who = (machine.node, source, energy.domain, energy.zone)
        if meter.watts is not None:
            yield f.DOMAIN_POWER, line(f.DOMAIN_POWER, who, repr(meter.watts))
        yield f.DOMAIN_ENERGY, line(f.DOMAIN_ENERGY, who, repr(meter.served_joules))
        yield f.DOMAIN_COVERED, line(f.DOMAIN_COVERED, who, repr(meter.served_covered_s))
