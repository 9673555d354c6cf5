"""Names of users and projects, which Nova lists by id; Keystone has them.

A name is read once. A user whose role does not allow it, or whom Keystone no longer has, keeps the
id. Names that two domains have both keep their ids: one label is never of two users.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import msgspec

from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.openstack.keystone import Keystone
from rackwatt_exporter.schedulers.openstack.records import name_of

MAX_LOOKUPS = 50  # in one poll


class _Named(msgspec.Struct):
    name: str


_REPLY = msgspec.json.Decoder(dict[str, _Named])


class Names:
    """Names of one kind: `users` or `projects`."""

    def __init__(self, kind: str, keystone: Keystone) -> None:
        self._kind = kind
        self._keystone = keystone
        self._known: dict[str, str] = {}
        self._forbidden = False

    async def read(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the names that are known, by id."""
        wanted = dict.fromkeys(filter(None, ids))
        self._known = {one: name for one, name in self._known.items() if one in wanted}
        for one in [one for one in wanted if one not in self._known][:MAX_LOOKUPS]:
            if self._forbidden:
                break
            await self._look_up(one)
        counts = Counter(self._known.values())
        return {one: name for one, name in self._known.items() if counts[name] == 1}

    async def _look_up(self, one: str) -> None:
        try:
            response = await self._keystone.get(f"/{self._kind}/{quote(one, safe='')}")
        except ReadError:  # names are no reason to have no states
            return
        if response.status == 403:
            self._forbidden = True
        elif response.status == 404:
            self._known[one] = one
        elif response.status == 200:
            try:
                (named,) = _REPLY.decode(response.body).values()
            except (msgspec.MsgspecError, ValueError, RecursionError):
                return
            self._known[one] = name_of(named.name) or one
