"""A fleet of simulated Redfish services behind one listening socket, each at its own address.

The socket takes connections to every address, so that ten thousand services cost one descriptor,
but it is confined to loopback twice over: bound to the device, and deaf to any other address.
"""

import base64
import hmac
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from rackwatt_exporter.simulator.machine import Login, Machine
from rackwatt_exporter.simulator.redfish_tree import ROOT, SESSIONS, resource

KEEP_CONNECTION_S = 3600.0
BACKLOG = 4096
MOST_SESSIONS = 16  # as few as real BMCs have


class Account(msgspec.Struct, rename="pascal"):
    """What a login says."""

    user_name: str
    password: str


class RedfishServer:
    """The BMCs of `machines`, which are keyed by their IPv4 loopback address, at one TCP port."""

    def __init__(
        self, machines: Mapping[str, Machine], port: int, certificate: Path, key: Path
    ) -> None:
        self._services = {address: _Service(machine) for address, machine in machines.items()}
        self._port = port
        self._files = certificate, key
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None, keepalive_timeout=KEEP_CONNECTION_S)
        )

    async def start(self) -> None:
        """Listen and answer from now on.

        Raises:
            OSError: the port is taken.
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*self._files)
        await self._runner.setup()
        listening = _open_socket(self._port)
        await web.SockSite(self._runner, listening, ssl_context=context, backlog=BACKLOG).start()

    async def close(self) -> None:
        """Hang up on everybody."""
        await self._runner.shutdown()
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        address = request.get_extra_info("sockname")[0]
        service = self._services.get(address) if address.startswith("127.") else None
        if service is None:
            return _error(404)
        return service.answer(
            request.method, request.path.rstrip("/"), request.headers, await request.read()
        )


class _Service:
    """One BMC: its machine, and who is logged in."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._tokens: dict[str, str] = {}  # the path of each session, by its token

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        if (method, path) == ("POST", SESSIONS):
            return self._log_in(body)
        if path != ROOT and not self._knows(headers):
            return _error(401)
        if method == "DELETE":
            return self._log_out(path)
        if method != "GET":
            return _error(405)
        found = resource(self._machine, path, time.time())
        return _error(404) if found is None else _json(200, found)

    def _log_in(self, body: bytes) -> web.Response:
        try:
            said = msgspec.json.decode(body, type=Account)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _error(400)
        login = self._machine.login
        if not _same(f"{said.user_name}:{said.password}", login):
            return _error(401)
        if len(self._tokens) >= MOST_SESSIONS:
            return _error(503, "SessionLimitExceeded")
        number, token = secrets.token_hex(4), secrets.token_hex(16)
        path = self._tokens[token] = f"{SESSIONS}/{number}"
        session = {"@odata.id": path, "Id": number, "Name": "Session", "UserName": login.username}
        return _json(201, session, {"X-Auth-Token": token, "Location": path})

    def _log_out(self, path: str) -> web.Response:
        open_sessions = {session: token for token, session in self._tokens.items()}
        if path not in open_sessions:
            return _error(404)
        del self._tokens[open_sessions[path]]
        return web.Response(status=204)

    def _knows(self, headers: Mapping[str, str]) -> bool:
        if (token := headers.get("X-Auth-Token")) is not None:
            return token in self._tokens
        scheme, _, words = headers.get("Authorization", "").partition(" ")
        try:
            said = base64.b64decode(words, validate=True).decode()
        except ValueError:
            return False
        return scheme == "Basic" and _same(said, self._machine.login)


def _same(said: str, login: Login) -> bool:
    expected = f"{login.username}:{login.password}"
    return hmac.compare_digest(said.encode(), expected.encode())


def _json(
    status: int, document: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"OData-Version": "4.0", **(headers or {})},
    )


def _error(status: int, code: str = "GeneralError") -> web.Response:
    return _json(status, {"error": {"code": f"Base.1.18.{code}", "message": str(status)}})


def _open_socket(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        sock.bind(("0.0.0.0", port))  # noqa: S104 - of the loopback device
    except OSError:
        sock.close()
        raise
    return sock
