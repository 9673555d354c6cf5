"""Doubt about a session token that a service refuses.

A service that has lost a session may respond 401. Others respond 400, 403, 404, 500 or 503, or
redirect to a log-in page, or send one, or 200 with an object that is no resource, or close the
connection without a response. The same responses also have their own meaning. A new log-in
distinguishes the two. It is worth it where this token has opened the resource before, or opens
nothing any more. After a log-in that did not help, a back-off spares a service that refuses every
token. Where sessions do not last, the client uses Basic instead, if the service accepts it. Neither
is for good: any of these responses may come of a service that has just restarted.
A 404 after the log-in refuses neither: the resource may be gone, or never was there.
"""

from collections.abc import Collection

REFUSALS_IN_A_ROW = 3
FIRST_WAIT_S = 60.0
MAX_WAIT_S = 960.0
SHORT_SESSION_S = 60.0
SHORT_SESSIONS = 2  # in a row: another one would not last either, and each costs a log-in
RECONSIDERED_AFTER_S = 3600.0  # whether a service has sessions, and whether it accepts Basic
NO_RESPONSE = 0  # in place of the status of a response
_NO_REFUSAL = (NO_RESPONSE, 404, 408, 429)
ID = "@odata.id"
_KEPT_PATHS = 32  # as many as the largest sum of a shelf's supplies has


class BackOff:
    """Back-off of log-ins for a refused token."""

    __slots__ = ("_not_before_s", "_wait_s")

    def __init__(self) -> None:
        self._wait_s = 0.0
        self._not_before_s = 0.0

    def allows(self, now_s: float) -> bool:
        """Return whether it may be tried now."""
        return now_s >= self._not_before_s

    def helped(self) -> None:
        """Record that the last one helped."""
        self._wait_s = 0.0

    def failed(self, now_s: float) -> None:
        """Record that the new token was refused too."""
        self._wait_s = min(max(2 * self._wait_s, FIRST_WAIT_S), MAX_WAIT_S)
        self._not_before_s = now_s + self._wait_s


def is_another(properties: Collection[str], marks: Collection[str]) -> bool:
    """Return whether an object is not the resource that `marks` are of; an identifier is proof."""
    return bool(marks) and ID not in properties and not any(mark in properties for mark in marks)


class TokenDoubt:
    """State of one service's current token; pure bookkeeping.

    `certain` limits log-ins after refusals that name the session, `possible` after the others.
    """

    __slots__ = ("_marks", "_refusals", "certain", "possible")

    def __init__(self) -> None:
        self._marks: dict[str, frozenset[str]] = {}  # of the resources that were opened last
        self._refusals = 0
        self.certain = BackOff()
        self.possible = BackOff()

    def opened(self, path: str) -> bool:
        """Return whether the token has opened a resource."""
        return path in self._marks

    def marks(self, path: str) -> frozenset[str]:
        """Return the properties by which a resource is known that the token has opened.

        It is the identifier, which DSP0266 requires of each resource; of one that had none, all its
        properties. There is none for an object without properties.
        """
        return self._marks.get(path, frozenset())

    def accepted(self, path: str, properties: Collection[str]) -> None:
        """Record that the token opened a resource, which has these properties."""
        self._refusals = 0
        if not self._marks.get(path):
            self._marks[path] = frozenset((ID,) if ID in properties else properties)
        if len(self._marks) > _KEPT_PATHS:
            del self._marks[next(iter(self._marks))]

    def refused(self, path: str, *, absent: bool = False) -> bool:
        """Record a refusal, and return whether the token may be its cause.

        A resource is `absent` where the service says that there is none. That is no doubt, unless
        this token has opened it before: a search reads many that a service does not have.
        """
        if self.opened(path):
            return True
        if absent:
            return False
        self._refusals += 1
        return self._refusals >= REFUSALS_IN_A_ROW and bool(self._marks)

    def renewed(self) -> None:
        """Start with a new token."""
        self._marks, self._refusals = {}, 0


class SessionLifetimes:
    """Whether sessions of one service last long enough to be worth a log-in; pure bookkeeping."""

    __slots__ = ("_no_basic_until_s", "_short", "_started_s")

    def __init__(self) -> None:
        self._started_s: float | None = None
        self._short = 0
        self._no_basic_until_s = 0.0

    def too_short(self, now_s: float) -> bool:
        """Return whether Basic is better now."""
        return self._short >= SHORT_SESSIONS and now_s >= self._no_basic_until_s

    def started(self, now_s: float) -> None:
        """Record that a session was opened."""
        self._started_s = now_s

    def ended(self, now_s: float) -> None:
        """Record that the session was lost, if there was one."""
        short = self._started_s is not None and now_s - self._started_s < SHORT_SESSION_S
        self._short = self._short + 1 if short else 0
        self._started_s = None

    def basic_failed(self, now_s: float, status: int) -> None:
        """Record that Basic did not help either, and the status of the response to it.

        A service that is busy, or has no such resource, has not refused it.
        """
        refused = status < 500 and status not in _NO_REFUSAL
        self._no_basic_until_s = now_s + (RECONSIDERED_AFTER_S if refused else 0.0)
        self._short = 0

    def reconsider(self) -> None:
        """Try sessions again, however long the last ones lasted."""
        self._short = 0
