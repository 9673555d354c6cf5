"""Identification of each request, and acting in the place of another user.

Ways that are open are read in one order: client certificate, OpenID Connect, Grafana, header of a
proxy. The first that gives a name vouches for it. All of them are read, nevertheless: a request
with an invalid token is refused even if another way would do, and so is one with two names. So the
order never decides who a caller is, only by which way it is said to be known.

Acting in the place of a user is for administrators, and each such request is logged.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from rackwatt_accounting.identity.caller import CALLER, Caller, name_problem
from rackwatt_accounting.identity.client_certificate import CertificateOfClient
from rackwatt_accounting.identity.issuer import Grafana, OpenIdConnect
from rackwatt_accounting.identity.problem import RefusedError, forbidden, problem, unauthenticated
from rackwatt_accounting.identity.trusted_header import HeaderOfProxies
from rackwatt_crds.accounting.identity import Identity
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.printable import printable

log = logging.getLogger(__name__)
audit = logging.getLogger("rackwatt_accounting.audit")

ACT_AS_HEADERS = ("X-Rackwatt-Act-As", "X-Dashboard-User")
"""Headers with the user in whose place an administrator asks; the second is that of CEEMS."""


class Way(Protocol):
    """One way in which a request shows who asks."""

    @property
    def method(self) -> str:
        """Its name, as in documents."""
        ...

    async def name(self, request: web.Request) -> object:
        """Return the name that a request shows; None where it does not use this way.

        Raises:
            RefusedError: what it shows is invalid.
        """
        ...


class Identification:
    """Finds the caller of each request, or refuses it.

    `is_admin` is called at each request. Requests of `open_paths` need no caller. `counts` has the
    number of refusals by reason, and `header_ignored`.
    """

    def __init__(
        self,
        ways: Iterable[Way],
        is_admin: Callable[[str], bool],
        open_paths: Collection[str] = (),
        counts: Counter[str] | None = None,
    ) -> None:
        self._ways = tuple(ways)
        self._is_admin = is_admin
        self._open_paths = frozenset(open_paths)
        self.counts = Counter() if counts is None else counts

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Put the caller into a request; respond with 401 or 403 where there is none."""
        if request.path in self._open_paths:
            return await handler(request)
        try:
            request[CALLER] = await self.caller(request)
            return await handler(request)
        except RefusedError as error:
            self.counts[error.reason] += 1
            log.info("refused %s: %s: %s", request.remote, error.reason, error.detail)
            return problem(error.status, error.detail)

    async def caller(self, request: web.Request) -> Caller:
        """Return who asks.

        Raises:
            RefusedError: the request shows no name, it shows two, or it may not act.
        """
        found = [
            (name, way.method)
            for way in self._ways
            if (name := _valid(await way.name(request))) is not None
        ]
        if not found:
            raise unauthenticated("no_identity", "the request does not show who asks")
        if len({name for name, _ in found}) > 1:
            raise unauthenticated("two_identities", "the request shows two different callers")
        name, method = found[0]
        return self._acting(request, Caller(name, self._is_admin(name), None, method))

    def _acting(self, request: web.Request, caller: Caller) -> Caller:
        wanted = set(_act_as(request)) - {caller.name}
        if not wanted:
            return caller
        if not caller.is_admin:
            raise forbidden("may_not_act")
        if len(wanted) > 1:
            raise forbidden("acts_as_two")
        (user,) = wanted
        audit.info(
            "%s acts as %s: %s %s from %s",
            printable(caller.name), printable(user), request.method, printable(request.path),
            request.remote,
        )  # fmt: skip
        return Caller(caller.name, caller.is_admin, user, caller.method)


def ways_of(identity: Identity, secrets: Secrets, counts: Counter[str]) -> Iterator[Way]:
    """Yield the ways that a document opens, in their order.

    Raises:
        ValueError: a network is none.
    """
    if identity.client_certificate is not None:
        yield CertificateOfClient()
    if identity.oidc is not None:
        yield OpenIdConnect(identity.oidc, secrets)
    if identity.grafana is not None:
        yield Grafana(identity.grafana, secrets)
    if identity.trusted_header is not None:
        yield HeaderOfProxies(identity.trusted_header, secrets, counts)


def _valid(name: object) -> str | None:
    if name is None:
        return None
    if reason := name_problem(name):
        raise unauthenticated("bad_name", f"the name of the caller cannot be used: {reason}")
    return str(name)


def _act_as(request: web.Request) -> Iterator[str]:
    for header in ACT_AS_HEADERS:
        for name in request.headers.getall(header, []):
            if reason := name_problem(name):
                raise unauthenticated("bad_name", f"the header {header} cannot be used: {reason}")
            yield name
