"""Who may ask: users by their passwords, clients by the names in their certificates.

Everything is behind it but `/healthz`, which returns nothing but that the process runs: a kubelet's
probe sends no password (docs/decisions/0008-unauthenticated-health-endpoint.md). It also applies a
changed file at once: a connection made under older TLS settings ends with its next response.
"""

import base64
import binascii
import ipaddress
import ssl
from collections.abc import Iterator

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from rackwatt_exporter.web.passwords import Passwords, TooManyError
from rackwatt_exporter.web.web_config_file import WebConfigFile

HEALTH = "/healthz"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="rackwatt", charset="UTF-8"'}


class Authentication:
    """Stands before an application, with a configuration that can be replaced at any time."""

    def __init__(self) -> None:
        self._passwords: Passwords | None = None
        self.configuration = WebConfigFile()

    def take(self, configuration: WebConfigFile) -> None:
        """Let this configuration count from now on."""
        if self._passwords is None or configuration.users != self.configuration.users:
            self._passwords = Passwords(configuration.users) if configuration.users else None
        self.configuration = configuration

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request pass, or answer 401, 403 or 503."""
        if request.path == HEALTH:
            return await handler(request)
        allowed = self.configuration.allowed_sans
        if allowed and allowed.isdisjoint(_names(request)):
            told = "no name in the client's certificate is among client_allowed_sans\n"
            raise web.HTTPForbidden(text=told)
        if self._passwords is not None:
            await self._hold_password(request, self._passwords)
        return await handler(request)

    async def prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the headers that the file asks for."""
        for name, value in self.configuration.headers.items():
            if value:
                response.headers[name] = value
            else:
                response.headers.popall(name, None)
        if _tls(request) is not self.configuration.tls:
            response.headers[hdrs.CONNECTION] = "close"
            response.force_close()

    async def _hold_password(self, request: web.Request, passwords: Passwords) -> None:
        name, password = _credentials(request.headers.get(hdrs.AUTHORIZATION, ""))
        try:
            right = name is not None and await passwords.right(name, password)
        except TooManyError:
            told = "too many passwords are being checked: try again\n"
            raise web.HTTPServiceUnavailable(text=told, headers={"Retry-After": "1"}) from None
        if not right:
            raise web.HTTPUnauthorized(text="a user and a password, please\n", headers=_CHALLENGE)


def _credentials(header: str) -> tuple[bytes | None, bytes]:
    """Read `Basic …` (RFC 7617); no name where it is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None, b""
    return (name if colon else None), password


def _tls(request: web.Request) -> ssl.SSLContext | None:
    found = request.get_extra_info("sslcontext")
    return found if isinstance(found, ssl.SSLContext) else None


def _names(request: web.Request) -> Iterator[str]:
    """Go through the names in the client's certificate; addresses in their usual spelling."""
    certificate = request.get_extra_info("peercert") or {}
    for _, name in certificate.get("subjectAltName", ()):
        try:
            yield str(ipaddress.ip_address(name.strip()))
        except ValueError:
            yield name
