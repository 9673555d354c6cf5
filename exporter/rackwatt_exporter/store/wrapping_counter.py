"""Account of a counter inside the machine, which wraps within minutes and restarts at each boot.

What the counter grew by is booked when there is no doubt of it: the same boot, and too little time
for it to have gone round twice. Any other stretch of time is left out and not guessed; `covered_s`
says how much was seen. So the joules go on across a restart of the exporter that is quick, and stay
where they were across one that is not.

What is served is bounded by a ceiling on disk, as in every account (ledger.py says why): a machine
that loses its power takes with it what was booked since the last save.
"""

import msgspec

from rackwatt_exporter.reading import MAX_DOMAIN_WATTS
from rackwatt_exporter.store.ledger import Amount, EnergyTotal

# Room until the next save for a processor that goes from idle to full load.
_RESERVE_WATTS = 500.0


class WrappingCounter(EnergyTotal):
    """One counter's energy. `at_s` counts from the boot that `boot` names, in any process."""

    counter_joules: Amount | None = None
    boot: str = ""
    at_s: float = 0.0
    watts: Amount | None = None
    resumed: bool = False

    def update(
        self,
        joules: float,
        span_joules: float,
        boot: str,
        at_s: float,
        wall_s: float,
        max_watts: float = MAX_DOMAIN_WATTS,
    ) -> None:
        """Book what a counter shows now.

        `span_joules` is where it wraps, infinite for one that never does; it grows by less than
        `max_watts`. `watts` is the mean since it was last seen; None where that is in doubt.
        """
        elapsed_s = at_s - self.at_s
        most = max_watts * elapsed_s
        grown = self._grown(joules, span_joules, most) if boot == self.boot else None
        self.watts = None
        if grown is not None:
            self._book(grown, elapsed_s)
            self.watts = grown / elapsed_s
        elif self.resumed:
            self._take_reserve()
        self.counter_joules, self.boot, self.at_s, self.resumed = joules, boot, at_s, False
        self.wall_s = wall_s

    def with_ceiling(self, for_s: float) -> "WrappingCounter":
        """Copy it with ceilings that leave room for so long; 0 is the last time.

        While the counter has not been seen again, those of the process before still hold.
        """
        if self.resumed:
            return msgspec.structs.replace(self)
        return self._bounded(max(2 * (self.watts or 0.0), _RESERVE_WATTS) * for_s, for_s)

    def resume(self) -> None:
        """Go on in a new process."""
        self.resumed = True

    def _grown(self, joules: float, span_joules: float, most: float) -> float | None:
        if self.counter_joules is None or not 0 < most < span_joules:
            return None
        grown = joules - self.counter_joules
        if grown < 0:
            grown += span_joules
        return grown if 0 < grown <= most else None  # an unchanged counter adds nothing

    def _take_reserve(self) -> None:
        """Go on from the ceiling, up to which the process before may have served."""
        if self.ceiling_joules is not None:
            self.joules = max(self.joules, self.ceiling_joules)
        if self.ceiling_covered_s is not None:
            self.covered_s = max(self.covered_s, self.ceiling_covered_s)
