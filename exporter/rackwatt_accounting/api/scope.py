"""What the caller of a request may see: it is read of the database at each request.

So rights that were taken away are gone at once.
"""

from collections.abc import Mapping

from aiohttp import web

from rackwatt_accounting.identity.caller import CALLER
from rackwatt_accounting.identity.rights import Memberships, Rules, Scope, scope_of

RULES: web.AppKey[Mapping[str, Rules]] = web.AppKey("rules")
MEMBERSHIPS: web.AppKey[Memberships] = web.AppKey("memberships")


async def scope(request: web.Request) -> Scope:
    """Return what the caller may see, by cluster."""
    caller = request[CALLER]
    associations = await request.app[MEMBERSHIPS].associations(caller.seen_as)
    return scope_of(caller, associations, request.app[RULES])
