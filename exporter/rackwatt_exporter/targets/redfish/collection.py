"""Members of a Redfish collection, over all its pages.

A member that is listed and cannot be read, or is only counted, may be another machine.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import (
    Json,
    count_of,
    last_part,
    link,
    linked,
    members,
    next_page,
)
from rackwatt_exporter.protocols.redfish.names import shown

_MAX_PAGES = 50

Look = Callable[[str], Awaitable[Json]]


class MemberListing(NamedTuple):
    """The resources of a collection, and its members that are not known.

    `unread` are the paths of those that cannot be read; `unlisted` are only counted.
    """

    resources: list[Json]
    unread: tuple[str, ...] = ()
    unlisted: int = 0

    @property
    def whole(self) -> bool:
        """Whether every member is known."""
        return not self.unknown

    @property
    def unknown(self) -> str:
        """Which members are not known, for a message; empty where all are."""
        ids = ", ".join(shown(last_part(path)) for path in self.unread)[:200]
        unread = f"{ids} cannot be read" if self.unread else ""
        more = f"{self.unlisted} more only counted" if self.unlisted else ""
        return " and ".join(filter(None, (unread, more)))


async def pages(look: Look, path: str) -> list[Json]:
    """Return the members of a collection as they are listed: references, or whole resources.

    A page that cannot be read is a member without a link.
    """
    listed: list[Json] = []
    seen: list[str] = []
    following: str | None = path
    while following is not None and following not in seen:
        seen.append(following)
        page = await look(following)
        if len(seen) > _MAX_PAGES or (page is None and len(seen) > 1):
            return [*listed, {"Id": f"the page {following}"}]
        listed += members(page)
        following = next_page(page)
    return listed


async def listed(look: Look, path: str) -> list[str]:
    """Return the paths of a collection's members, each once."""
    known: dict[str, str] = {}  # with and without a slash at the end it is one
    for member in linked(await pages(look, path)):
        known.setdefault(member.rstrip("/"), member)
    return list(known.values())


async def listing(look: Look, path: str) -> MemberListing:
    """Return the resources of a collection, and what of it is not known."""
    known = await read_all(look, await listed(look, path))
    return known._replace(unlisted=await unlisted(look, path))


async def read_all(look: Look, paths: Iterable[str]) -> MemberListing:
    """Return the resources at some paths, and which of these cannot be read."""
    known = {path: await look(path) for path in paths}
    found = [each for each in known.values() if each]
    return MemberListing(found, tuple(path for path, each in known.items() if not each))


async def unlisted(look: Look, path: str) -> int:
    """Return how many members a collection counts and does not list."""
    return max(count_of(await look(path)) - len(await pages(look, path)), 0)


async def unlinked(look: Look, path: str) -> int:
    """Return how many members a collection lists without a path of this service."""
    return sum(link(each) is None for each in await pages(look, path))
