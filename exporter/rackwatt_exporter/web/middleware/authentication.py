"""Authentication: users by password, clients by the names in their certificates.

It protects every path except `/healthz`, which only reports that the process runs: a kubelet's
probe sends no password (docs/decisions/0008-unauthenticated-health-endpoint.md). A handler that
requires a token of its own takes that in the place of a password: a request has one Authorization
header. A changed file applies at once: a connection with older TLS settings is closed after its
next response.
"""

import base64
import binascii
import ipaddress
import ssl
from collections.abc import Callable, Iterator

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from rackwatt_exporter.web.passwords import PasswordVerifier, TooManyPendingError
from rackwatt_exporter.web.web_config_file import WebConfigFile

HEALTH = "/healthz"
REQUIRES_TOKEN: web.AppKey[Callable[[web.Request], bool]] = web.AppKey("requires_token")
"""Whether the handler of a request requires a token, and no password."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="rackwatt", charset="UTF-8"'}


class Authentication:
    """Authentication of requests, with a configuration that can be replaced at any time."""

    def __init__(self) -> None:
        self._passwords: PasswordVerifier | None = None
        self.configuration = WebConfigFile()

    def apply(self, configuration: WebConfigFile) -> None:
        """Use this configuration from now on."""
        if self._passwords is None or configuration.users != self.configuration.users:
            self._passwords = PasswordVerifier(configuration.users) if configuration.users else None
        self.configuration = configuration

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Pass a request on, or respond with 401, 403 or 503."""
        if request.path == HEALTH:
            return await handler(request)
        allowed = self.configuration.allowed_sans
        if allowed and allowed.isdisjoint(_names(request)):
            message = "no name in the client's certificate is in client_allowed_sans\n"
            raise web.HTTPForbidden(text=message)
        requires_token = request.app.get(REQUIRES_TOKEN)
        if self._passwords is not None and not (requires_token and requires_token(request)):
            await self._check_password(request, self._passwords)
        return await handler(request)

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the headers of the configuration."""
        for name, value in self.configuration.headers.items():
            if value:
                response.headers[name] = value
            else:
                response.headers.popall(name, None)
        if _tls(request) is not self.configuration.tls:
            response.headers[hdrs.CONNECTION] = "close"
            response.force_close()

    async def _check_password(self, request: web.Request, passwords: PasswordVerifier) -> None:
        name, password = _credentials(request.headers.get(hdrs.AUTHORIZATION, ""))
        try:
            valid = name is not None and await passwords.verify(name, password)
        except TooManyPendingError:
            message = "too many passwords are being checked: try again\n"
            raise web.HTTPServiceUnavailable(text=message, headers={"Retry-After": "1"}) from None
        if not valid:
            raise web.HTTPUnauthorized(text="authentication required\n", headers=_CHALLENGE)


def _credentials(header: str) -> tuple[bytes | None, bytes]:
    """Parse `Basic …` (RFC 7617); no name where the header is invalid."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None, b""
    return (name if colon else None), password


def _tls(request: web.Request) -> "ssl.SSLContext | None":
    context: ssl.SSLContext | None = request.get_extra_info("sslcontext")
    return context


def _names(request: web.Request) -> Iterator[str]:
    """Yield the names in the client's certificate, addresses in canonical form."""
    certificate = request.get_extra_info("peercert") or {}
    for _, name in certificate.get("subjectAltName", ()):
        try:
            yield str(ipaddress.ip_address(name.strip()))
        except ValueError:
            yield name
