"""What a source answers: a reading, or the reason why there is none.

These two types are all that passes from the rooms that speak protocols to the rooms that do not.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from rackwatt_exporter.printable import printable

MAX_MESSAGE = 1000
MAX_SOURCE = 500


class Statistics(msgspec.Struct, frozen=True, gc=False):
    """What the BMC itself kept of the watts over its own window; None where it does not say."""

    average_watts: float | None = None
    minimum_watts: float | None = None
    maximum_watts: float | None = None
    window_s: float | None = None


class Members(NamedTuple):
    """Of a sum: how many supplies, feeds or sensors make it up, and how many could be read."""

    expected: int
    read: int


class Reading(msgspec.Struct, frozen=True, gc=False):
    """Power of one target. It bears no time: whoever asked knows when the answer came.

    `joules` is the BMC's own running counter, where it has one. `source` says in a word where the
    number was found (`dcmi`, `sensor:PSU1 PIN`, `Chassis/1/Power#PowerControl/0`).
    """

    watts: float
    source: str
    joules: float | None = None
    statistics: Statistics | None = None
    members: Members | None = None

    def __post_init__(self) -> None:
        # It may have the names of sensors in it, as devices spell them.
        if not self.source.isprintable() or len(self.source) > MAX_SOURCE:
            msgspec.structs.force_setattr(self, "source", printable(self.source, MAX_SOURCE))


# More than a part of a processor draws for long: the largest are built for 500 W. A counter of the
# least range that processors have, 65 kJ, wraps in 43 s at this.
MAX_DOMAIN_WATTS = 1500.0


class EnergyCounter(NamedTuple):
    """A counter of joules as it is now, which the ledger makes an account of.

    `zone` is its name within its collector, the same after every boot. `span_joules` is where it
    wraps, `max_watts` more than it is ever made to grow by. `additive` where it is part of no other
    counter: only such ones may be added up.
    """

    domain: str
    zone: str
    joules: float
    span_joules: float
    additive: bool
    max_watts: float = MAX_DOMAIN_WATTS


class Reason(StrEnum):
    """Why there is no reading: a closed list, used as it is in metrics, status and docs."""

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
    """There is no reading, for this reason. The message says what a person can do or check.

    It never holds a secret: it is logged, and shown on the status page. `members` counts what a sum
    is made of, where one failed. `remedy` is advice for this very cause, where that of the reason
    (advice.py) is of several causes. A message is one line that can be printed, of MAX_MESSAGE
    characters at most, whatever a peer's words in it are.
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
