"""OpenStack's sushy-emulator in a process of its own, with power, sessions and a memory.

The emulator has chassis, systems, their power state and Basic authentication; it has no power
readings and no session service. Those are added here, from a JSON file: routes that answer as one
or another vendor's BMC does. Its requests so far, and the most at once, can be read.

That is read, and the responses are configured, at a port of its own without TLS. A handshake
blocks no other connection, so that a test may read while its own exporter is in the middle of one.
"""

import copy
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bcrypt

SESSIONS = "/redfish/v1/SessionService/Sessions"
OLD_SESSIONS = "/redfish/v1/Sessions"
OPEN_PATHS = ("", "/redfish", "/redfish/v1")
QUIET_S = 120.0  # how long a connection may say nothing
FULL = {"error": {"@Message.ExtendedInfo": [{"MessageId": "IDRAC.2.8.RAC0218"}]}}

Start = Callable[..., Any]


class Peer:
    """The WSGI application around the emulator's."""

    def __init__(self, emulator: Any, settings: dict[str, Any]) -> None:
        self.emulator = emulator
        self.basic = emulator.wsgi_app  # sushy's middleware; its .app is the bare emulator
        self.settings = settings
        self.tokens: dict[str, str] = {}
        self.requests: list[str] = []
        self.in_flight = self.most_at_once = 0
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"].rstrip("/")
        with self.lock:
            query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
            self.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{query}")
            self.in_flight += 1
            self.most_at_once = max(self.most_at_once, self.in_flight)
        try:
            threading.Event().wait(self.settings["delay_s"])
            return list(self.answer(path, environ, start))
        finally:
            with self.lock:
                self.in_flight -= 1

    def answer(self, path: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if path in (SESSIONS, OLD_SESSIONS) and environ["REQUEST_METHOD"] == "POST":
            return self.log_in(path, environ, start)
        if path.startswith((SESSIONS + "/", OLD_SESSIONS + "/")):
            return self.log_out(path, environ, start)
        if self.settings["sessions"] == "full for all":
            return reply(start, 503, FULL)
        inner = self.route if path in self.settings["routes"] else self.basic.app
        if path in OPEN_PATHS or environ.get("HTTP_X_AUTH_TOKEN") in self.tokens:
            return inner(environ, start)
        if "HTTP_X_AUTH_TOKEN" in environ:
            return reply(start, 401, {"error": {"code": "Base.1.0.NoValidSession"}})
        middleware = copy.copy(self.basic)
        middleware.app = inner
        answer: Iterable[bytes] = middleware(environ, start)
        return answer

    def route(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        answer = self.settings["routes"][environ["PATH_INFO"].rstrip("/")]
        special = answer.get("peer") if isinstance(answer, dict) else None
        if special is None:
            return reply(start, 200, answer)
        return reply(start, special.get("status", 200), special.get("body", ""), special)

    def log_in(self, path: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        mode = self.settings["sessions"]
        if mode.startswith("full"):
            return reply(start, 503, FULL)
        if mode == "none" or (mode == "old" and path == SESSIONS):
            return reply(start, 405 if mode == "old" else 404, {"error": {}})
        said = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        account = {"UserName": "admin", "Password": self.settings["password"]}
        if said != account:
            return reply(start, 401, {"error": {}})
        token, number = secrets.token_hex(16), f"{path}/{secrets.token_hex(4)}"
        self.tokens[token] = number
        special = {"headers": {"X-Auth-Token": token, "Location": number}}
        return reply(start, 201, {"@odata.id": number}, special)

    def log_out(self, path: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if self.tokens.get(environ.get("HTTP_X_AUTH_TOKEN", "")) != path:
            return reply(start, 401, {"error": {}})
        del self.tokens[environ["HTTP_X_AUTH_TOKEN"]]
        return reply(start, 204, "")

    def control(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            said = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            if said.pop("as_new", False):
                self.requests, self.most_at_once = [], 0
                self.settings["routes"] = {}
            self.settings["routes"].update(said.pop("routes", {}))
            if said.pop("forget_sessions", False):
                self.tokens.clear()
            if password := said.get("password"):
                write_password(Path(self.basic.auth_file), password)
            if state := said.pop("power_state", None):
                for system in self.emulator.systems.systems:
                    self.emulator.systems._update(system, power_state=state)
            self.settings.update(said)
        seen = {"requests": self.requests, "most_at_once": self.most_at_once}
        return reply(start, 200, {**seen, "sessions": len(self.tokens)})


def reply(
    start: Start, status: int, body: Any, special: dict[str, Any] | None = None
) -> Iterable[bytes]:
    special = special or {}
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = {
        "Content-Type": special.get("type", "application/json"),
        "Content-Length": str(len(data)),
        **special.get("headers", {}),
    }
    start(f"{status} x", list(headers.items()))
    return [data]


def write_password(path: Path, password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    path.write_text(f"admin:{hashed}\n")


def main(directory: Path) -> None:
    settings = json.loads((directory / "peer.json").read_text())
    write_password(directory / "htpasswd", settings["password"])
    os.environ["SUSHY_EMULATOR_CONFIG"] = str(directory / "sushy.conf")
    from sushy_tools.emulator import main as emulator
    from werkzeug.serving import WSGIRequestHandler, make_server

    peer = Peer(emulator.app, settings)
    WSGIRequestHandler.protocol_version = "HTTP/1.1"
    WSGIRequestHandler.disable_nagle_algorithm = True
    WSGIRequestHandler.timeout = QUIET_S
    control = make_server("127.0.0.1", 0, peer.control, threaded=True)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    tls = (str(directory / "server.pem"), str(directory / "server.key"))
    server = make_server("127.0.0.1", 0, peer, threaded=True, ssl_context=tls)
    listening: Any = server.socket  # an SSLSocket, of which typeshed knows less than there is
    # Else the one thread that accepts everybody would wait for each handshake.
    listening.do_handshake_on_connect = False
    waiting = directory / "ports.new"
    waiting.write_text(f"{server.server_port} {control.server_port}")
    waiting.rename(directory / "ports")
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
