"""Members of a sum: the supplies, feeds or sensors that make up one target's watts.

A sum with one member fewer is a smaller number that looks right. So a missing member is an error,
until it has been missing for so long that it was surely removed.
"""

import time
from collections.abc import Callable, Iterable

from rackwatt_exporter.reading import Members, ReadError, Reason

FORGET_AFTER_S = 3600.0
_MAX_NAMED = 4


class Membership:
    """Members of one sum over several readings; names are those of the protocol."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen_at_s: dict[str, float] = {}

    def check(self, found: Iterable[str]) -> Members:
        """Compare the members found now with those of earlier readings, and remember new ones.

        Raises:
            ReadError: member_missing, with the missing names.
        """
        now_s = self._clock()
        present = set(found)
        missing = [
            name
            for name, seen_at_s in self._seen_at_s.items()
            if name not in present and now_s - seen_at_s <= FORGET_AFTER_S
        ]
        kept = {name: self._seen_at_s[name] for name in missing}
        self._seen_at_s = kept | dict.fromkeys(sorted(present), now_s)
        members = Members(len(self._seen_at_s), len(present))
        if missing:
            raise _missing(missing, members)
        return members


def _missing(names: list[str], members: Members) -> ReadError:
    shown = ", ".join(names[:_MAX_NAMED]) + (" …" if len(names) > _MAX_NAMED else "")
    message = (
        f"{members.read} of {members.expected} members of the sum can be read; missing: {shown}."
        f" One that was removed for good is left out after {FORGET_AFTER_S / 3600:g} h"
    )
    return ReadError(Reason.MEMBER_MISSING, message, members=members)
