"""Usage of a node by its units, at one moment and between two of them.

CPU time is cumulative, memory is what is held at the moment. A unit that began between two moments
has used all of its CPU time since the first; one that was there before it was known has used an
unknown part of it, and is not charged for that interval. One that could not be read for a time has
used what its counter says later, evenly: only the time in which it is known again is charged.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

_SNAPSHOTS = 16
_MAX_KNOWN = 20_000


class Known(msgspec.Struct, frozen=True, gc=False):
    """What is known of all units together: whether nothing else uses CPUs, memory or GPUs.

    What no unit uses is the system's, or idle, where that is known, and unattributed elsewhere.
    """

    cpus: bool = True
    memory: bool = True
    gpus: bool = True

    def __and__(self, other: "Known") -> "Known":
        """Return what is known of both."""
        return Known(
            self.cpus and other.cpus, self.memory and other.memory, self.gpus and other.gpus
        )


ALL_KNOWN, NOTHING_KNOWN = Known(), Known(False, False, False)


class UnitUse(msgspec.Struct, frozen=True, gc=False):
    """Use of one unit.

    `identity` differs where an id is used again. `memory_bytes` and `milli_cpus`, the CPUs that it
    holds in thousandths, are None where they are unknown; `gpus` its shares of GPUs in millionths,
    by UUID.
    `begin_ns` is the CPU time that it had used when it came, or came back.
    """

    identity: str
    cpu_ns: int
    memory_bytes: int | None = 0
    milli_cpus: int | None = None
    gpus: dict[str, int] = {}
    has_ended: bool = False
    begin_ns: int = 0


class Usage(msgspec.Struct, frozen=True):
    """Use of a node at one moment: all of it, and that of each unit by its key, `slurm/123`.

    `busy_ns` is the CPU time that was neither idle nor waiting. `managers` are those whose units
    are known; `unread` are units that are there, and of which nothing is known.
    """

    at_s: float
    busy_ns: int
    cpus: int
    used_bytes: int
    units: dict[str, UnitUse]
    managers: frozenset[str] = frozenset()
    known: Known = Known()
    unread: frozenset[str] = frozenset()

    def since(self, before: "Usage") -> dict[str, UnitUse]:
        """Return the use of each unit since an earlier moment: `cpu_ns` is what it used since."""
        return {
            key: msgspec.structs.replace(use, cpu_ns=use.cpu_ns - before._used_ns(key, use))
            for key, use in self.units.items()
        }

    def knows(self, key: str) -> bool:
        """Return whether a unit is known to be there or not, so that one it lacks has ended."""
        return key.partition("/")[0] in self.managers and key not in self.unread

    def _used_ns(self, key: str, later: UnitUse) -> int:
        """Return the CPU time that a unit had used by now, as far as it is known."""
        use = self.units.get(key)
        if use is not None and use.identity == later.identity:
            return min(use.cpu_ns, later.cpu_ns)
        if key in self.unread:
            return later.begin_ns or later.cpu_ns
        return later.begin_ns if self.knows(key) else later.cpu_ns


class Units(NamedTuple):
    """The units of one manager at a moment."""

    uses: Mapping[str, UnitUse]
    known: Known = Known()
    unread: frozenset[str] = frozenset()


class _Snapshot(NamedTuple):
    at_s: float
    units: Units


class UnitsTimeline:
    """The units of one manager by its last readings, and at any moment between them.

    A unit that has ended is in one reading alone. It is kept until the ledger has
    passed that moment, however many readings there are meanwhile.
    """

    def __init__(self) -> None:
        self._snapshots: list[_Snapshot] = []
        self._known: dict[str, tuple[float, UnitUse]] = {}
        self._ended: dict[str, tuple[float, UnitUse]] = {}

    @property
    def last_s(self) -> float:
        """The time of the last reading; before any there is none, so it is minus infinity."""
        return self._snapshots[-1].at_s if self._snapshots else float("-inf")

    def add(self, at_s: float, units: Units) -> None:
        """Add a reading, unless it is one that was added before."""
        if at_s <= self.last_s:
            return
        uses = {key: self._started(at_s, key, use) for key, use in units.uses.items()}
        for key, use in uses.items():
            self._ended.pop(key, None)
            if use.has_ended:
                self._ended[key] = at_s, use
        self._snapshots.append(_Snapshot(at_s, units._replace(uses=uses)))
        if len(self._snapshots) > _SNAPSHOTS:
            del self._snapshots[1:-1:2]

    def forget_before(self, time_s: float) -> None:
        """Drop what is not needed from this moment on."""
        while len(self._snapshots) > 1 and self._snapshots[1].at_s <= time_s:
            del self._snapshots[0]
        self._ended = {key: one for key, one in self._ended.items() if one[0] > time_s}

    def _started(self, at_s: float, key: str, use: UnitUse) -> UnitUse:
        """Return the use with the CPU time that it began with: one that comes back has some."""
        last_s, before = self._snapshots[-1] if self._snapshots else (at_s, Units({}))
        known_s, known = self._known.pop(key, (at_s, None))
        begin_ns = use.cpu_ns if key in before.unread else 0
        if known is not None and known.identity == use.identity:
            begin_ns = min(known.begin_ns, use.cpu_ns)
            if key not in before.uses:
                passed = (last_s - known_s) / (at_s - known_s)
                begin_ns = known.cpu_ns + round(max(0, use.cpu_ns - known.cpu_ns) * passed)
        use = msgspec.structs.replace(use, begin_ns=begin_ns)
        self._known[key] = at_s, use
        if len(self._known) > _MAX_KNOWN:
            del self._known[next(iter(self._known))]
        return use

    def at(self, time_s: float) -> Units | None:
        """Return the units at a moment; None before the first reading and after the last."""
        if not self._snapshots or not self._snapshots[0].at_s <= time_s <= self.last_s:
            return None
        after = self._snapshots[-1]
        for one in reversed(self._snapshots):
            if one.at_s < time_s:
                fraction = (time_s - one.at_s) / (after.at_s - one.at_s)
                return self._with_ended(time_s, _between(one.units, after.units, fraction))
            after = one
        return after.units

    def _with_ended(self, time_s: float, units: Units) -> Units:
        """Add the units that have ended in a reading before: they have used CPU time, too."""
        ended = {
            key: msgspec.structs.replace(use, **_GONE)
            for key, (at_s, use) in self._ended.items()
            if at_s < time_s
        }
        return units._replace(uses={**units.uses, **ended}) if ended else units


_GONE = {"memory_bytes": 0, "milli_cpus": 0, "gpus": {}}


def _between(before: Units, after: Units, fraction: float) -> Units:
    """Return the units between two readings; one that is in the first alone has ended.

    One that had ended by the first reading holds nothing any more. One that the second could not
    read is unknown.
    """
    units = {
        key: msgspec.structs.replace(use, **(_GONE if use.has_ended else {"has_ended": True}))
        for key, use in before.uses.items()
        if key not in after.uses and key not in after.unread
    }
    for key, use in after.uses.items():
        first = before.uses.get(key)
        is_same = first is not None and first.identity == use.identity
        used_ns = first.cpu_ns if first is not None and is_same else use.begin_ns
        cpu_ns = used_ns + round((use.cpu_ns - used_ns) * fraction)
        has_ended = use.has_ended and fraction == 1
        units[key] = msgspec.structs.replace(use, cpu_ns=cpu_ns, has_ended=has_ended)
    known = after.known if fraction == 1 else before.known & after.known
    return Units(units, known, after.unread)


def fractions(uses: Mapping[str, UnitUse], gpu: str) -> dict[str, int]:
    """Return the share that each unit has of a GPU, in millionths."""
    return {key: share for key, use in uses.items() if (share := use.gpus.get(gpu, 0)) > 0}
