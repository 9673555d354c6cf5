"""Ways to divide the energy of a node between its jobs, over the same readings.

Ours is the ledger itself. The others are the published formulas: batchjob_monitoring divides the
power of the node by relative CPU time; CEEMS divides nine tenths of it by CPU time and memory in
the proportion that RAPL measures, and the last tenth equally.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from rackwatt_exporter.config.energy import Division
from rackwatt_exporter.energy.ledger import CounterValue, Meters, NodeLedger
from rackwatt_exporter.energy.usage import UnitUse, Usage
from tests.accuracy.machine import CPUS, Moment

Joules = dict[str, float]


def ledger(moments: Iterable[Moment], division: Division, source: str, has_rapl: bool) -> Joules:
    """Return the joules of each job by our ledger, fed by the BMC or by RAPL."""
    kept, node_uj, before = NodeLedger(), 0, None
    ours: Joules = {}
    for moment in moments:
        if before is not None:  # as power without a counter is integrated
            mean_watts = (before.bmc_watts + moment.bmc_watts) / 2
            node_uj += round(mean_watts * (moment.at_s - before.at_s) * 1e6)
        before = moment
        processor = CounterValue(round(moment.processor_joules * 1e6)) if has_rapl else None
        memory = CounterValue(round(moment.memory_joules * 1e6)) if has_rapl else None
        node = {"bmc": CounterValue(node_uj)}
        if source == "rapl" and processor and memory:
            node = {"package": processor, "dram": memory}
        meters = Meters(source, node, {}, processor, memory, is_whole=source != "rapl")
        kept.advance("boot", meters, _usage(moment), division)
        ours |= {key[4:]: one.microjoules / 1e6 for key, one in kept.units.items()}
    assert kept.imbalance == 0
    return ours


def _usage(moment: Moment) -> Usage:
    units = {
        f"job/{name}": UnitUse(
            name, round(moment.cpu_s.get(name, 0.0) * 1e9), round(job.gib * 2**30), job.cpus * 1000
        )
        for name, job in moment.running.items()
    }
    busy_ns = round(moment.busy_s * 1e9)
    return Usage(moment.at_s, busy_ns, CPUS, moment.used_bytes, units, frozenset({"job"}))


def batchjob(moments: Iterable[Moment]) -> Joules:
    """Return the joules of each job by relative CPU time."""
    joules: Counter[str] = Counter()
    for before, after in pairwise(moments):
        busy_s, joule = after.busy_s - before.busy_s, _node_joules(before, after)
        for name, used_s in _used_s(before, after).items():
            joules[name] += joule * used_s / busy_s  # type: ignore[assignment]
    return dict(joules)


def ceems(moments: Iterable[Moment]) -> Joules:
    """Return the joules of each job by CEEMS' rule for a BMC and RAPL with memory."""
    joules: Counter[str] = Counter()
    for before, after in pairwise(moments):
        busy_s, joule = after.busy_s - before.busy_s, _node_joules(before, after)
        processor = after.processor_joules - before.processor_joules
        memory = after.memory_joules - before.memory_joules
        by_cpu = processor / (processor + memory)
        for name, used_s in _used_s(before, after).items():
            by_memory = after.running[name].gib * 2**30 / after.used_bytes
            share = by_cpu * used_s / busy_s + (1 - by_cpu) * by_memory
            joules[name] += 0.9 * joule * share + 0.1 * joule / len(after.running)  # type: ignore[assignment]
    return dict(joules)


def _node_joules(before: Moment, after: Moment) -> float:
    return after.bmc_watts * (after.at_s - before.at_s)


def _used_s(before: Moment, after: Moment) -> dict[str, float]:
    """Return the CPU time that each job which runs now has used in between."""
    return {
        name: after.cpu_s.get(name, 0.0) - before.cpu_s.get(name, 0.0) for name in after.running
    }
