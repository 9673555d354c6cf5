"""Members of a Redfish collection, over all its pages."""

from collections.abc import Awaitable, Callable

from rackwatt_exporter.protocols.redfish.json import Json, linked, members, next_page

_MAX_PAGES = 50

Look = Callable[[str], Awaitable[Json]]


async def pages(look: Look, path: str) -> list[Json]:
    """Return the members of a collection as they are listed: references, or whole resources."""
    listed: list[Json] = []
    following: str | None = path
    for _ in range(_MAX_PAGES):
        if following is None:
            break
        page = await look(following)
        listed += members(page)
        following = next_page(page)
    return listed


async def listed(look: Look, path: str) -> list[str]:
    """Return the paths of a collection's members, each once."""
    return list(dict.fromkeys(linked(await pages(look, path))))


async def resources(look: Look, path: str) -> list[Json]:
    """Return the resources of a collection that can be read."""
    documents = [await look(member) for member in await listed(look, path)]
    return [each for each in documents if each]
