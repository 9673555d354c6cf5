"""Division of the energy of one interval between the units of a node.

First the energy of each GPU goes to the units that hold it, by their shares. Of the rest, what the
idle machine would have used is charged as the document says. What remains is used by CPU time and
by memory: RAPL says how much by either, else fixed weights do. CPU time that no unit used is the
system's. Where it is unknown whether another unit has used something, what no known unit used stays
`unattributed` instead of being guessed. Where no unit's memory is counted, all is by CPU time.
"""

from collections import Counter
from dataclasses import dataclass, field

from rackwatt_exporter.config.energy import Division, Idle
from rackwatt_exporter.energy.apportion import apportion
from rackwatt_exporter.energy.usage import ALL_KNOWN, Known, UnitUse, fractions

WHOLE_GPU = 1_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """What was measured in one interval, in microjoules and nanoseconds.

    `node_uj` is all of it, the GPUs included. `processor_uj` and `memory_uj` are what RAPL measured
    of either, None where it did not. `units` have the CPU time that they used in the interval.
    `known` is what is known of all units, `unread` how many there are beside them. Where
    `is_divisible` is false, it is unknown which part of the energy is that of GPUs.
    """

    duration_s: float
    node_uj: int
    gpus_uj: dict[str, int]
    busy_ns: int
    cpus: int
    used_bytes: int
    units: dict[str, UnitUse]
    known: Known = ALL_KNOWN
    unread: int = 0
    is_divisible: bool = True
    processor_uj: int | None = None
    memory_uj: int | None = None


@dataclass(slots=True)
class EnergyParts:
    """The energy of an interval by who used it, in microjoules."""

    units: Counter[str] = field(default_factory=Counter)
    idle: int = 0
    system: int = 0
    unattributed: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.units.values()) + self.idle + self.system + self.unattributed


# The keys of what no unit uses, beside the keys of units.
_IDLE, _SYSTEM = "", " "


def split(interval: Interval, division: Division, idle_watts: float | None) -> EnergyParts:
    """Divide the energy of an interval; the parts add up to it exactly."""
    parts = EnergyParts()
    if not interval.is_divisible:
        parts.unattributed = interval.node_uj
        return parts
    rest_uj = interval.node_uj - _split_gpus(interval, parts)
    idle_uj = min(rest_uj, round((idle_watts or 0.0) * interval.duration_s * 1e6))
    _split_idle(interval, idle_uj, division.idle, parts)
    used_uj = rest_uj - idle_uj
    memory_uj = _memory_part(interval, used_uj, division)
    knows_memory = interval.known.memory and not _is_memory_missing(interval)
    _book(parts, memory_uj, _memory_weights(interval), knows_memory)
    _book(parts, used_uj - memory_uj, _cpu_weights(interval), interval.known.cpus)
    return parts


def _split_gpus(interval: Interval, parts: EnergyParts) -> int:
    """Divide the energy of the GPUs; return how much it is, of all that was measured."""
    measured = {gpu: uj for gpu, uj in interval.gpus_uj.items() if uj > 0}
    if not measured or interval.node_uj <= 0:
        return 0
    total = min(sum(measured.values()), interval.node_uj)
    for gpu, uj in apportion(total, measured).items():
        shares = fractions(interval.units, gpu)
        shares[_IDLE] = max(0, WHOLE_GPU - sum(shares.values()))
        divided = apportion(uj, shares)
        _leave(parts, divided.pop(_IDLE), interval.known.gpus)
        parts.units.update(divided)
    return total


def _split_idle(interval: Interval, idle_uj: int, idle: Idle, parts: EnergyParts) -> None:
    if idle == "none":
        parts.idle += idle_uj
        return
    if idle == "equal":
        shares = dict.fromkeys(interval.units, 1)
        shares[_IDLE] = 0 if interval.known.cpus else max(1, interval.unread)
    else:
        shares = _held(interval)
        shares[_IDLE] = max(0, interval.cpus * 1000 - sum(shares.values()))
    divided = apportion(idle_uj, shares) if any(shares.values()) else {_IDLE: idle_uj}
    _leave(parts, divided.pop(_IDLE, 0), interval.known.cpus)
    parts.units.update(divided)


def _leave(parts: EnergyParts, unused_uj: int, is_known: bool) -> None:
    """Book what no known unit holds: it idles, unless a unit that is unknown holds it."""
    if is_known:
        parts.idle += unused_uj
    else:
        parts.unattributed += unused_uj


def _held(interval: Interval) -> dict[str, int]:
    """Return the CPUs that each unit holds, in thousandths; what it used where that is unknown."""
    held = {}
    for key, use in interval.units.items():
        milli = use.milli_cpus
        if milli is None:
            milli = round(use.cpu_ns / (interval.duration_s * 1e6)) if interval.duration_s else 0
        held[key] = max(0, milli)
    return held


def _is_memory_missing(interval: Interval) -> bool:
    units = interval.units.values()
    return any(use.memory_bytes is None for use in units if not use.has_ended)


def _memory_part(interval: Interval, used_uj: int, division: Division) -> int:
    """Return how much of what the busy node used was used by its memory."""
    living = [use for use in interval.units.values() if not use.has_ended]
    if living and all(use.memory_bytes is None for use in living):
        return 0  # no controller counts it
    if interval.memory_uj is not None and interval.processor_uj is not None:
        by = {"memory": interval.memory_uj, "cpu": interval.processor_uj}
    else:
        by = {"memory": division.memory, "cpu": division.cpu}
    return apportion(used_uj, by)["memory"] if sum(by.values()) > 0 else 0


def _cpu_weights(interval: Interval) -> dict[str, int]:
    used = {key: use.cpu_ns for key, use in interval.units.items()}
    return {**used, _SYSTEM: max(0, interval.busy_ns - sum(used.values()))}


def _memory_weights(interval: Interval) -> dict[str, int]:
    used = {key: use.memory_bytes or 0 for key, use in interval.units.items()}
    return {**used, _SYSTEM: max(0, interval.used_bytes - sum(used.values()))}


def _book(parts: EnergyParts, amount_uj: int, weights: dict[str, int], is_known: bool) -> None:
    """Divide an amount by weights; the system's part is not its own where units are unknown."""
    if sum(weights.values()) <= 0:
        weights = {_SYSTEM: 1}
    divided = apportion(amount_uj, weights)
    system_uj = divided.pop(_SYSTEM)
    if is_known:
        parts.system += system_uj
    else:
        parts.unattributed += system_uj
    parts.units.update(divided)
