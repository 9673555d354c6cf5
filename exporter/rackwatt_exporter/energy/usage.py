"""What the units of a node use of it, at one moment, and between two of them.

CPU time is cumulative, memory is what is held at the moment. A unit that began between two moments
has used all of its CPU time since the first; one that was there before it was known has used an
unknown part of it, and is not charged for that interval.
"""

from collections.abc import Mapping

import msgspec

_SNAPSHOTS = 16
_MAX_KNOWN = 20_000


class UnitUse(msgspec.Struct, frozen=True, gc=False):
    """Use of one unit.

    `identity` differs where an id is used again. `milli_cpus` are the CPUs that it holds, in
    thousandths, None where that is unknown; `gpus` its shares of GPUs in millionths, by UUID.
    `begin_ns` is the CPU time that it had used when it came, or came back.
    """

    identity: str
    cpu_ns: int
    memory_bytes: int = 0
    milli_cpus: int | None = None
    gpus: dict[str, int] = {}
    has_ended: bool = False
    begin_ns: int = 0


class Usage(msgspec.Struct, frozen=True):
    """Use of a node at one moment: all of it, and that of each unit by its key, `slurm/123`.

    `busy_ns` is the CPU time that was neither idle nor waiting. `managers` are those whose units
    are known; `complete` is whether these are all that there are.
    """

    at_s: float
    busy_ns: int
    cpus: int
    used_bytes: int
    units: dict[str, UnitUse]
    managers: frozenset[str] = frozenset()
    complete: bool = True

    def since(self, before: "Usage") -> dict[str, UnitUse]:
        """Return the use of each unit since an earlier moment: `cpu_ns` is what it used since."""
        return {
            key: msgspec.structs.replace(use, cpu_ns=use.cpu_ns - before._used_ns(key, use))
            for key, use in self.units.items()
        }

    def knows(self, key: str) -> bool:
        """Return whether the manager of a unit is known, so that a unit it lacks has ended."""
        return key.partition("/")[0] in self.managers

    def _used_ns(self, key: str, later: UnitUse) -> int:
        """Return the CPU time that a unit had used by now, as far as it is known."""
        use = self.units.get(key)
        if use is not None and use.identity == later.identity:
            return min(use.cpu_ns, later.cpu_ns)
        return later.begin_ns if self.knows(key) else later.cpu_ns


class UnitsTimeline:
    """The units of one manager by its last readings, and at any moment between them."""

    def __init__(self) -> None:
        self._snapshots: list[tuple[float, Mapping[str, UnitUse]]] = []
        self._known: dict[str, UnitUse] = {}

    @property
    def last_s(self) -> float:
        """The time of the last reading; before any there is none, so it is minus infinity."""
        return self._snapshots[-1][0] if self._snapshots else float("-inf")

    def add(self, at_s: float, units: Mapping[str, UnitUse]) -> None:
        """Add a reading, unless it is one that was added before."""
        if at_s <= self.last_s:
            return
        self._snapshots.append((at_s, {key: self._started(key, use) for key, use in units.items()}))
        if len(self._snapshots) > _SNAPSHOTS:
            del self._snapshots[1:-1:2]

    def forget_before(self, time_s: float) -> None:
        """Drop what is not needed from this moment on."""
        while len(self._snapshots) > 1 and self._snapshots[1][0] <= time_s:
            del self._snapshots[0]

    def _started(self, key: str, use: UnitUse) -> UnitUse:
        """Return the use with the CPU time that it began with: one that comes back has some."""
        known = self._known.pop(key, None)
        if known is not None and known.identity == use.identity:
            is_back = key not in self._snapshots[-1][1]
            begin_ns = known.cpu_ns if is_back else known.begin_ns
            use = msgspec.structs.replace(use, begin_ns=min(begin_ns, use.cpu_ns))
        self._known[key] = use
        if len(self._known) > _MAX_KNOWN:
            del self._known[next(iter(self._known))]
        return use

    def at(self, time_s: float) -> dict[str, UnitUse] | None:
        """Return the units at a moment; None before the first reading and after the last."""
        if not self._snapshots or not self._snapshots[0][0] <= time_s <= self.last_s:
            return None
        after_s, after = self._snapshots[-1]
        for at_s, units in reversed(self._snapshots):
            if at_s < time_s:
                return _between(units, after, (time_s - at_s) / (after_s - at_s))
            after_s, after = at_s, units
        return dict(after)


_GONE = {"memory_bytes": 0, "milli_cpus": 0, "gpus": {}}


def _between(
    before: Mapping[str, UnitUse], after: Mapping[str, UnitUse], fraction: float
) -> dict[str, UnitUse]:
    """Return the units between two readings; one that is in the first alone has ended.

    One that had ended by the first reading holds nothing any more.
    """
    units = {
        key: msgspec.structs.replace(use, **(_GONE if use.has_ended else {"has_ended": True}))
        for key, use in before.items()
        if key not in after
    }
    for key, use in after.items():
        first = before.get(key)
        is_same = first is not None and first.identity == use.identity
        used_ns = first.cpu_ns if first is not None and is_same else use.begin_ns
        cpu_ns = used_ns + round((use.cpu_ns - used_ns) * fraction)
        has_ended = use.has_ended and fraction == 1
        units[key] = msgspec.structs.replace(use, cpu_ns=cpu_ns, has_ended=has_ended)
    return units


def fractions(uses: Mapping[str, UnitUse], gpu: str) -> dict[str, int]:
    """Return the share that each unit has of a GPU, in millionths."""
    return {key: share for key, use in uses.items() if (share := use.gpus.get(gpu, 0)) > 0}
