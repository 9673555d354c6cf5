"""Simulated Redfish service: credentials, sessions, and its machine's resources."""

import base64
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from aiohttp import web

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.loopback_https import HttpsServer
from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.redfish.tree import ROOT
from rackwatt_exporter.simulator.redfish.vendors import resource

Show = Callable[[str], web.Response]


class SimulatedAccount(msgspec.Struct, rename="pascal"):
    """Body of a log-in."""

    user_name: str
    password: str


class SimulatedService:
    """One BMC: its machine, and its sessions; `show` responds to GET, if given."""

    def __init__(self, machine: SimulatedMachine, show: Show | None = None) -> None:
        self._machine = machine
        self._show = show or self._show_machine
        self._tokens: dict[str, str] = {}  # the path of each session, by its token

    @property
    def sessions(self) -> int:
        """Number of open sessions."""
        return len(self._tokens)

    def restart(self) -> None:
        """Drop all sessions."""
        self._tokens.clear()

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Return the response to a request; `path` includes the query."""
        plain = path.partition("?")[0].rstrip("/")
        if method == "POST":
            return self._log_in(body) if plain == self._sessions_path else error(405)
        if plain != ROOT and not self._is_authorized(headers):
            return error(401)
        if method == "DELETE":
            return self._log_out(plain)
        if method != "GET":
            return error(405)
        return self._show(path)

    @property
    def _sessions_path(self) -> str:
        return f"{ROOT}/{self._machine.vendor.sessions_path}"

    def _show_machine(self, path: str) -> web.Response:
        path = path.partition("?")[0]
        plain = path.rstrip("/")
        if self._machine.vendor.slashes and path == plain:
            return web.Response(status=308, headers={"Location": f"{path}/"})
        document = resource(self._machine, plain, time.time())
        return error(404) if document is None else json_of(200, document)

    def _log_in(self, body: bytes) -> web.Response:
        try:
            account = msgspec.json.decode(body, type=SimulatedAccount)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return error(400)
        login = self._machine.login
        if not _same(f"{account.user_name}:{account.password}", login):
            return error(401)
        if len(self._tokens) >= self._machine.max_sessions:
            return error(503, self._machine.vendor.when_full)
        number, token = secrets.token_hex(4), secrets.token_hex(16)
        path = self._tokens[token] = f"{self._sessions_path}/{number}"
        session = {"@odata.id": path, "Id": number, "Name": "Session", "UserName": login.username}
        return json_of(201, session, {"X-Auth-Token": token, "Location": path})

    def _log_out(self, path: str) -> web.Response:
        open_sessions = {session: token for token, session in self._tokens.items()}
        if path not in open_sessions:
            return error(404)
        del self._tokens[open_sessions[path]]
        return web.Response(status=204)

    def _is_authorized(self, headers: Mapping[str, str]) -> bool:
        if (token := headers.get("X-Auth-Token")) is not None:
            return token in self._tokens
        scheme, _, encoded = headers.get("Authorization", "").partition(" ")
        try:
            credentials = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            return False
        return scheme == "Basic" and _same(credentials, self._machine.login)


def _same(credentials: str, login: SimulatedLogin) -> bool:
    expected = f"{login.username}:{login.password}"
    return hmac.compare_digest(credentials.encode(), expected.encode())


def json_of(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a response with a document."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"OData-Version": "4.0", **(headers or {})},
    )


def error(status: int, code: str = "Base.1.18.GeneralError") -> web.Response:
    """Return an error response."""
    return json_of(status, {"error": {"code": code, "message": str(status)}})


class RedfishServer(HttpsServer):
    """The BMCs of `machines`, which are keyed by their IPv4 loopback address, at one TCP port."""

    def __init__(
        self,
        machines: Mapping[str, SimulatedMachine],
        port: int,
        certificate: Path,
        key: Path,
        faults: Faults | None = None,
    ) -> None:
        services = {address: SimulatedService(machine) for address, machine in machines.items()}
        super().__init__(services, port, (certificate, key), faults)
