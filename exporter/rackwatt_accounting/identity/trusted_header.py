"""A header with the user's name, from proxies at listed addresses.

It is worth what the network between is worth, so it counts from listed networks alone, where the
address is that of the connection: no header says where a request comes from. With a shared secret
the proxy has to prove itself as well.
"""

import hmac
import ipaddress
import logging
from collections import Counter
from http import HTTPStatus

from aiohttp import web

from rackwatt_accounting.identity.problem import RefusedError, unauthenticated
from rackwatt_crds.accounting.identity import USER_HEADER, TrustedHeader
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Rackwatt-Token"  # noqa: S105 - the name of a header
_KEY = "token"


class HeaderOfProxies:
    """Identification by the header of proxies."""

    method = "trustedHeader"

    def __init__(self, settings: TrustedHeader, secrets: Secrets, counts: Counter[str]) -> None:
        """Count ignored headers in `counts`; raises ValueError for a network that is none."""
        self._header = settings.name or USER_HEADER
        self._networks = [ipaddress.ip_network(text) for text in settings.from_]
        self._secret = settings.secret_ref.name if settings.secret_ref else None
        self._secrets = secrets
        self._counts = counts

    async def name(self, request: web.Request) -> object:
        """Return the name that a listed proxy gives; None without one.

        Raises:
            RefusedError: several values, or a missing or wrong secret.
        """
        given = request.headers.getall(self._header, [])
        if not given:
            return None
        if not self._is_listed(request):
            self._counts["header_ignored"] += 1
            return None
        if self._secret is not None:
            self._check_secret(request, self._secret)
        if len(given) > 1:
            raise unauthenticated("several_names", f"the header {self._header} is there twice")
        return given[0]

    def _is_listed(self, request: web.Request) -> bool:
        peer = request.get_extra_info("peername")
        if not isinstance(peer, tuple):  # a Unix socket has no address
            return False
        address = ipaddress.ip_address(peer[0].partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    def _check_secret(self, request: web.Request, secret: str) -> None:
        try:
            expected = self._secrets.read(secret, _KEY)
        except ReadError as error:
            log.error("the shared secret of proxies cannot be read: %s", error)
            message = "the shared secret of proxies is missing here"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "secret_missing", message) from None
        given = request.headers.getall(SECRET_HEADER, [])
        sent = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
        if not expected or not hmac.compare_digest(sent, expected):
            message = f"the proxy has to send the shared secret once, as {SECRET_HEADER}"
            raise unauthenticated("wrong_secret", message)
