"""Decision when to read a machine's power state, so that one that is off never has watts.

Reading it every time would double the requests, also of BMCs that take a second to describe a
system. The watts are evidence: a machine that is switched off draws far less, or its BMC repeats
its last measurement. Watts that change, and have not fallen, are those of a machine that is on;
every tenth time the state is read all the same. A power supply is judged by the same evidence.
"""

FALL = 0.8
TRUSTED_READINGS = 9


class PowerStateMonitor:
    """Evidence of one machine's power state; pure bookkeeping."""

    def __init__(self) -> None:
        self._watts_when_on = 0.0
        self._last_watts = 0.0
        self._trusted_readings_left = 0

    def needs_check(self, watts: float) -> bool:
        """Return whether the machine may be off with these watts; so until it is confirmed on."""
        repeats = watts == self._last_watts
        fallen = watts < FALL * self._watts_when_on
        self._last_watts = watts
        if repeats or fallen or not self._trusted_readings_left:
            self._trusted_readings_left = 0
            return True
        self._trusted_readings_left -= 1
        return False

    def confirmed_on(self, watts: float, trusted_readings: int = TRUSTED_READINGS) -> None:
        """Record that the machine was on while it drew these watts."""
        self._watts_when_on = self._last_watts = watts
        self._trusted_readings_left = trusted_readings
