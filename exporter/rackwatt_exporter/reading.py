"""Results of a source: a reading, or the reason why there is none.

Only these types pass from packages that speak protocols to those that do not.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from rackwatt_exporter.printable import printable

MAX_MESSAGE = 1000
MAX_SOURCE = 500


class Statistics(msgspec.Struct, frozen=True, gc=False):
    """The BMC's own statistics of power over its window; None where it reports none."""

    average_watts: float | None = None
    minimum_watts: float | None = None
    maximum_watts: float | None = None
    window_s: float | None = None


class Members(NamedTuple):
    """Members of a sum (supplies, feeds or sensors): how many there are, and how many were read."""

    expected: int
    read: int


class Reading(msgspec.Struct, frozen=True, gc=False):
    """Power of one target. It has no time: the poller knows when the response arrived.

    `joules` is the BMC's own energy counter, where it has one. `source` says where the value was
    found (`dcmi`, `sensor:PSU1 PIN`, `Chassis/1/Power#PowerControl/0`).
    """

    watts: float
    source: str
    joules: float | None = None
    statistics: Statistics | None = None
    members: Members | None = None

    def __post_init__(self) -> None:
        # It may contain names of sensors, as devices spell them.
        if not self.source.isprintable() or len(self.source) > MAX_SOURCE:
            msgspec.structs.force_setattr(self, "source", printable(self.source, MAX_SOURCE))


# More than a domain of a processor draws for long: the largest are rated at 500 W. The smallest
# range of a processor's counter, 65 kJ, wraps in 43 s at this power.
MAX_DOMAIN_WATTS = 1500.0


class EnergyCounter(NamedTuple):
    """The current value of a wrapping energy counter, from which the ledger derives a total.

    `zone` is its name within its collector, the same after every boot. It wraps at `span_joules`
    and never grows faster than `max_watts`. With `additive` it is not part of another counter: only
    such counters may be summed. Where `epoch` has changed, the counter has started again.
    """

    domain: str
    zone: str
    joules: float
    span_joules: float
    additive: bool
    max_watts: float = MAX_DOMAIN_WATTS
    epoch: str = ""


# The domain of what measures the whole machine, as at its supplies. It contains all others.
WHOLE_NODE = "node"


class DomainPower(NamedTuple):
    """The current power of a part of this machine, which is integrated.

    `zone` is its name within its collector. With `additive` it is not part of another one. `joules`
    is the counter of a BMC that counts, coarsely, beside its watts.
    """

    domain: str
    zone: str
    watts: float
    additive: bool = True
    joules: float | None = None


class Reason(StrEnum):
    """Why there is no reading: a closed list, used in metrics, status and docs."""

    TIMEOUT = "timeout"
    CONNECTION_REFUSED = "connection_refused"
    UNREACHABLE = "unreachable"
    NAME_UNRESOLVED = "name_unresolved"
    AUTH_FAILED = "auth_failed"
    PRIVILEGE_INSUFFICIENT = "privilege_insufficient"
    CIPHER_UNSUPPORTED = "cipher_unsupported"
    SESSION_LIMIT = "session_limit"
    TLS_FAILED = "tls_failed"
    HOST_KEY_FAILED = "host_key_failed"
    CREDENTIALS_MISSING = "credentials_missing"
    NO_POWER_SENSOR = "no_power_sensor"
    SENSOR_UNREADABLE = "sensor_unreadable"
    SEARCHING = "searching"
    MEMBER_MISSING = "member_missing"
    IMPLAUSIBLE = "implausible"
    BAD_REPLY = "bad_reply"
    POWERED_OFF = "powered_off"
    COMMAND_FAILED = "command_failed"
    PERMISSION_DENIED = "permission_denied"
    ABSENT = "absent"
    INVALID_ENTRY = "invalid_entry"
    INTERNAL_ERROR = "internal_error"


class ReadError(Exception):
    """There is no reading, for this reason. The message says what was observed and what to do.

    It never contains a secret: it is logged and shown on the status page. `members` counts the
    members of a sum, where one failed. `remedy` applies to this cause only, where that of the
    reason (remedies.py) covers several. The message is one printable line of at most MAX_MESSAGE
    characters, whatever text of a peer it contains.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        members: Members | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(printable(message, MAX_MESSAGE))
        self.reason = reason
        self.members = members
        self.remedy = printable(remedy, MAX_MESSAGE) if remedy else None
