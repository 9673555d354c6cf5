"""A whole Redfish service that answers anything: watts that stand where the source says.

The bytes are JSON: what each path answers, as tests/peers/sushy.py has it (a resource, or `peer`
with status, headers and body). The exporter's own client asks, but for sockets, TLS and the bytes of HTTP.
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any

from yarl import URL

from rackwatt_exporter.config.options import RedfishOptions
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Authorization, Origin, RedfishResponse
from rackwatt_exporter.protocols.redfish.login import RedfishAccount
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.source import RedfishSource
from tests.exporter.targets.redfish import oracle as redfish_oracle
from tests.virtual_time import run

JSON = True
_HERE = URL("https://192.0.2.1:443/")
_MOST_REQUESTS = 2000
_REASONS = {
    Reason.AUTH_FAILED,
    Reason.BAD_REPLY,
    Reason.MEMBER_MISSING,
    Reason.NO_POWER_SENSOR,
    Reason.POWERED_OFF,
    Reason.PRIVILEGE_INSUFFICIENT,
    Reason.SENSOR_UNREADABLE,
    Reason.SESSION_LIMIT,
    Reason.TIMEOUT,
}


class Peer(Origin):
    """Replacement of the connection: routes, requested by the exporter's own client."""

    def __init__(self, routes: Mapping[str, Any]) -> None:
        super().__init__(_HERE, ssl.create_default_context, None)
        self._routes = routes
        self._requests = 0

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> RedfishResponse:
        request = self._encode(method, path, headers, body)
        assert request.count(b"\r\n\r\n") == 1, request
        assert request.startswith(b"%s /" % method.encode()), request
        self._requests += 1
        assert self._requests < _MOST_REQUESTS
        if method == "POST":
            token = {"peer": {"status": 201, "headers": {"X-Auth-Token": "t", "Location": "/s/1"}}}
            return _answer(self._routes.get("POST", token))
        return _answer(self.holds(path))

    def holds(self, path: str) -> Any:
        """Return the document of a path; trailing slashes and expanding queries do not count."""
        plain = path.partition("?")[0].rstrip("/")
        return next(
            (self._routes[p] for p in (path, plain, plain + "/") if p in self._routes), None
        )

    def document(self, path: str) -> Any:
        """Return the document of a path after redirects, for the oracle."""
        for _ in range(5):
            said = self.holds(path)
            peer = said.get("peer") if isinstance(said, dict) else None
            if not isinstance(peer, dict):
                return said
            answer = _answer(said)
            if not 300 <= answer.status < 400:
                body = peer.get("body")
                return json.loads(body) if isinstance(body, str) else body
            path = _HERE.join(URL(path)).join(URL(answer.headers["location"])).raw_path_qs
        raise AssertionError("redirected without end")


def _answer(said: Any) -> RedfishResponse:
    peer = said.get("peer") if isinstance(said, dict) else None
    peer = peer if isinstance(peer, dict) else {"body": said}
    status = peer.get("status", 404 if said is None else 200)
    status = status if type(status) is int and 100 <= status < 600 else 200
    headers = peer.get("headers")
    message = headers if isinstance(headers, dict) else {}
    body = peer.get("body")
    return RedfishResponse(
        status,
        {str(name).lower(): str(value) for name, value in message.items()},
        body.encode() if isinstance(body, str) else json.dumps(body).encode(),
    )


def examine(data: bytes) -> None:
    """Read what is found, of a chassis that is named, the mean, and a sensor that is named."""
    try:
        routes = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(routes, dict):
        for options in (
            RedfishOptions(),
            RedfishOptions(value="average"),
            RedfishOptions(chassis="Node0"),
            RedfishOptions(sensors=("Total_Power",)),
        ):
            run(_read(Peer(routes), options))


async def _read(peer: Peer, options: RedfishOptions) -> None:
    service = RedfishClient(peer, lambda: RedfishAccount("root", "secret"))
    source = RedfishSource(service, options, service.close)
    for _ in range(3):
        try:
            reading = await source.read()
        except ReadError as error:
            assert error.reason in _REASONS, error
            continue
        assert redfish_oracle.holds(reading, peer.document), reading
        assert reading.joules is None or 0 < reading.joules < float("inf")
    await source.close()
