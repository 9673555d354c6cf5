"""The running account of joules: a BMC's own counter where it has one, else watts over time.

Energy is only counted over time that was seen: a gap longer than a reading may be old is not
guessed, and `covered_s` says how much of the time the joules stand for.

Prometheus takes a counter that falls for one that began again, and would add all of it once more.
So what is served never passes a ceiling that is on disk already (`ledger_file.py` writes it), and a
process that was killed goes on from there: it may count one interval too much, and never falls.
"""

from typing import Annotated, Self

import msgspec

# A counter that was reset starts near zero: more than this times what the watts say is a glitch.
_PLAUSIBLE = 10.0
_LEAST_RESERVE_JOULES = 1000.0


# What a file says is believed as far as it can be true.
Amount = Annotated[float, msgspec.Meta(ge=0)]


class EnergyTotal(msgspec.Struct):
    """A sum of joules, and how far it may be shown; `wall_s` is when it was last booked on."""

    joules: Amount = 0.0
    covered_s: Amount = 0.0
    ceiling_joules: Amount | None = None
    ceiling_covered_s: Amount | None = None
    wall_s: float | None = None

    @property
    def served_joules(self) -> float:
        """What may be shown: the account, as far as it is certain to survive."""
        ceiling = self.ceiling_joules
        return self.joules if ceiling is None or self.joules < ceiling else ceiling

    @property
    def served_covered_s(self) -> float:
        """What may be shown of the time covered: it is a counter, too, and must not fall."""
        ceiling_s = self.ceiling_covered_s
        return self.covered_s if ceiling_s is None or self.covered_s < ceiling_s else ceiling_s

    def take_ceilings(self, stored: "EnergyTotal | None") -> None:
        """Serve as far as what is on disk now allows; without bound where nothing is."""
        self.ceiling_joules = stored.ceiling_joules if stored else None
        self.ceiling_covered_s = stored.ceiling_covered_s if stored else None

    def _bounded(self, reserve_joules: float, for_s: float) -> Self:
        """Copy it with ceilings that leave room for so long; 0 is the last time."""
        return msgspec.structs.replace(
            self,
            ceiling_joules=self.joules + (reserve_joules if for_s else 0.0),
            ceiling_covered_s=self.covered_s + for_s,
        )

    def _book(self, joules: float, covered_s: float) -> None:
        self.joules += joules
        self.covered_s += covered_s


class EnergyAccount(EnergyTotal):
    """One target's energy.

    `at_s` is monotonic and belongs to one process; `wall_s` and the BMC's last word,
    `counter_joules`, outlive it.
    """

    counter_joules: Amount | None = None
    watts: Amount | None = None
    at_s: float | None = None

    def add(
        self, watts: float, joules: float | None, at_s: float, wall_s: float, longest_gap_s: float
    ) -> None:
        """Book one reading: watts now, and the BMC's counter if it has one."""
        if joules is not None:
            self._book_counter(watts, joules, self._elapsed_s(at_s, wall_s))
        elif self.watts is not None and self.at_s is not None:
            elapsed_s = max(0.0, at_s - self.at_s)
            if elapsed_s <= longest_gap_s:
                self._book((self.watts + watts) / 2 * elapsed_s, elapsed_s)
        self.counter_joules = joules
        self.watts, self.at_s, self.wall_s = watts, at_s, wall_s

    def pause(self) -> None:
        """Count nothing until the next reading: the machine is known to have been off."""
        self.at_s = None

    def with_ceiling(self, for_s: float) -> "EnergyAccount":
        """Copy the account, with ceilings that leave room for so long; 0 is the last time.

        One that needs none has none: there is no reading yet, or the BMC counts for it.
        """
        if self.counter_joules is None and self.wall_s is not None:
            reserve_joules = 2 * (self.watts or 0.0) * for_s + _LEAST_RESERVE_JOULES
            return self._bounded(reserve_joules, for_s)
        return msgspec.structs.replace(self, ceiling_joules=None, ceiling_covered_s=None)

    def resume(self) -> None:
        """Resume in a new process: the energy is kept, and the time between is not counted.

        The BMC's own counter knows what happened meanwhile, so its account needs no reserve.
        """
        if self.counter_joules is None and self.ceiling_joules is not None:
            self.joules = self.ceiling_joules
            self.covered_s = self.ceiling_covered_s or self.covered_s
        self.at_s = None

    def _elapsed_s(self, at_s: float, wall_s: float) -> float:
        if self.at_s is not None:
            return max(0.0, at_s - self.at_s)
        return max(0.0, wall_s - self.wall_s) if self.wall_s is not None else 0.0

    def _book_counter(self, watts: float, joules: float, elapsed_s: float) -> None:
        if self.counter_joules is None:
            if self.joules == 0.0:
                self.joules = joules  # at first sight the BMC's whole account begins ours
            return
        grown = joules - self.counter_joules
        if grown < 0:
            likely = max(watts, self.watts or 0.0) * elapsed_s
            grown = joules if joules <= _PLAUSIBLE * likely else 0.0
        self._book(grown, elapsed_s)
