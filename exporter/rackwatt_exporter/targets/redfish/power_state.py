"""When a machine's power state must be asked again, so that one that is off never shows watts.

Asking every time would double the load on BMCs that take a second to describe a system. The watts
tell most of it: a machine that is switched off draws far less, or its BMC goes on repeating what it
last measured. Watts that move, and have not fallen, are those of a machine that is on; every tenth
time even that is looked into.
"""

FALL = 0.8
TRUSTED_READINGS = 9


class PowerStateMonitor:
    """What is known of one machine's state; pure bookkeeping."""

    def __init__(self) -> None:
        self._watts_when_on = 0.0
        self._last_watts = 0.0
        self._trusted = 0

    def arises(self, watts: float) -> bool:
        """Return whether these watts leave it open that the machine is off."""
        repeats = watts == self._last_watts
        self._last_watts = watts
        self._trusted += 1
        fallen = watts < FALL * self._watts_when_on
        return repeats or fallen or self._trusted > TRUSTED_READINGS

    def settle(self, watts: float) -> None:
        """Note that the machine was found on while it drew these watts."""
        self._watts_when_on = self._last_watts = watts
        self._trusted = 0
