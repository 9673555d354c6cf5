"""Handlers of Prometheus's paths for users: who asks, which units are theirs, what is sent.

A caller who sees all of the cluster has the same paths without a matcher. There are no other paths:
those of the server's administration are none for users.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from http import HTTPStatus
from typing import NamedTuple, Protocol

import promql_parser as promql
from aiohttp import web

from rackwatt_accounting.guard.expression import MAX_SENT, Expression, parse_selector
from rackwatt_accounting.guard.families import UNIT_FAMILIES, Families
from rackwatt_accounting.guard.question import MATCH, Question, question
from rackwatt_accounting.guard.refusal import GuardError
from rackwatt_accounting.guard.selector import enforced, literal_ids, required
from rackwatt_accounting.guard.span import span
from rackwatt_accounting.guard.upstream import Upstream
from rackwatt_accounting.identity.caller import CALLER, Caller
from rackwatt_accounting.identity.rights import Scope
from rackwatt_accounting.model.window import Window

_PATHS = {
    "query": "/query",
    "query_range": "/query_range",
    "labels": "/labels",
    "series": "/series",
}
_API = "/api/v1"
# The longest block of Prometheus: names and values of labels are those of whole blocks.
_BLOCK_S = 31 * 24 * 3600


class Settings(NamedTuple):
    """What the guard of one cluster enforces; `lookback_s` is that of Prometheus."""

    cluster: str
    families: Sequence[Families] = (UNIT_FAMILIES,)
    max_units: int = 500
    lookback_s: float = 300.0


class OwnedUnits(Protocol):
    """Where the units of callers are found, such as the storage of accounting."""

    async def ids(
        self,
        scope: Scope,
        cluster: str,
        window: Window,
        apart: Window,
        among: Collection[str] | None,
        limit: int,
    ) -> Sequence[str]:
        """Return ids of the cluster's units that ran within a window, each once.

        All runs of such an id within `apart` are seen by the scope: schedulers use ids again. With
        `among` no other ids. At most `limit`: the guard asks for one more than it takes.
        """
        ...


class Guard:
    """The guard of one cluster's Prometheus."""

    def __init__(
        self,
        settings: Settings,
        units: OwnedUnits,
        scope_of: Callable[[Caller], Awaitable[Scope]],
        upstream: Upstream,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._units = units
        self._scope_of = scope_of
        self._upstream = upstream
        self._clock = clock

    def routes(self, prefix: str = "") -> list[web.RouteDef]:
        """Return the routes below a prefix, which a data source of Grafana has as its URL."""
        found = []
        for kind, path in _PATHS.items():
            handler = self._handler(kind)
            found += [
                web.get(prefix + _API + path, handler),
                web.post(prefix + _API + path, handler),
            ]
        values = prefix + _API + "/label/{label}/values"
        found.append(web.get(values, self._handler("values")))
        if prefix:
            found.append(web.route("*", prefix + "/{path:.*}", _no_such_path))
        return found

    def _handler(self, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await self._answer(request, kind)
            except GuardError as error:
                return error.response()

        return handle

    async def _answer(self, request: web.Request, kind: str) -> web.StreamResponse:
        wanted = await question(request, kind, self._clock())
        scope = await self._scope_of(request[CALLER])
        if not scope.sees_all(self._settings.cluster):
            wanted = await self.guarded(wanted, scope)
        form = [*wanted.parameters.items(), *((MATCH, one) for one in wanted.matches)]
        if kind == "values":
            path = f"{_API}/label/{wanted.label}/values"
            return await self._upstream.answer(request, "GET", path, form)
        return await self._upstream.answer(request, "POST", _API + _PATHS[kind], form)

    async def guarded(self, wanted: Question, scope: Scope) -> Question:
        """Return a question with the caller's units enforced on all that it reads.

        Raises:
            GuardError: it is not understood, or is about too many units.
        """
        if wanted.kind.startswith("query"):
            return await self._guarded_query(wanted, scope)
        return await self._guarded_series(wanted, scope)

    async def _guarded_query(self, wanted: Question, scope: Scope) -> Question:
        expression = Expression(wanted.parameters["query"])
        families = self._settings.families
        read = span(expression.root, wanted.times, self._settings.lookback_s)
        among = expression.ids(families)
        ids = await self._ids(scope, read, read, among) if expression.selectors else ()
        sent = {**wanted.parameters, "query": expression.enforced(families, ids)}
        return wanted._replace(parameters=sent)

    async def _guarded_series(self, wanted: Question, scope: Scope) -> Question:
        families = self._settings.families
        selectors = [_selector(text) for text in wanted.matches]
        literal = [literal_ids(selector, families) for selector in selectors] or [None]
        among = None if None in literal else frozenset().union(*(one or () for one in literal))
        from_s, to_s = int(wanted.times.start_s), int(wanted.times.end_s) + 1
        apart = Window(max(0, from_s - _BLOCK_S), to_s + _BLOCK_S)
        ids = await self._ids(scope, Window(from_s, to_s), apart, among)
        texts = [enforced(selector, families, ids) for selector in selectors] or [
            "{" + ",".join(map(str, required(one, ids))) + "}" for one in families
        ]
        matches = [parse_selector(text, MAX_SENT).prettify() for text in texts]
        if sum(map(len, matches)) > MAX_SENT:
            raise GuardError("too many units for so many selectors: name the units")
        return wanted._replace(matches=tuple(matches))

    async def _ids(
        self, scope: Scope, window: Window, apart: Window, among: Collection[str] | None
    ) -> Sequence[str]:
        limit = self._settings.max_units
        if among is not None and len(among) > limit:
            raise GuardError(f"the query names more than {limit} units")
        found = await self._units.ids(
            scope, self._settings.cluster, window, apart, among, limit + 1
        )
        if len(found) > limit:
            raise GuardError(
                f"you have more than {limit} units in the time that this query reads: name those "
                "that you mean, or choose a shorter time",
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "execution",
            )
        return sorted(one for one in found if one)


def _selector(text: str) -> promql.VectorSelector:
    found = parse_selector(text)
    if found.at is not None or found.offset is not None:
        raise GuardError("match[] has neither `@` nor an offset")
    return found


async def _no_such_path(_: web.Request) -> web.StreamResponse:
    message = "the guard has no such path"
    return GuardError(message, HTTPStatus.NOT_FOUND, "not_found").response()
