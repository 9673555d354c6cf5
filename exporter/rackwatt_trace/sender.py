"""Sending of reports by HTTP POST, over one connection that is kept.

It never raises and never waits for long: an exporter that is down costs a report and nothing else,
and the next report tries again.
"""

import http.client
import ssl
from contextlib import suppress

from rackwatt_trace import __version__
from rackwatt_trace.options import Endpoint, Options

_TIMEOUT_S = 5.0
_MAX_SHOWN = 300


class Sender:
    """A connection to the exporter, made again where it was lost."""

    def __init__(self, options: Options) -> None:
        assert options.endpoint is not None  # noqa: S101 - nothing is sent without one
        self._options = options
        self._endpoint: Endpoint = options.endpoint
        self._connection: http.client.HTTPConnection | None = None

    def send(self, body: bytes) -> str:
        """Send a report; return what came of it, in words for the user."""
        try:
            return self._send(body)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._close()
            return f"not sent: {error or type(error).__name__}"

    def _send(self, body: bytes) -> str:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"rackwatt-trace/{__version__}",
            **self._authorization(),
        }
        reused = self._connection is not None
        try:
            return self._exchange(body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            if not reused:  # a kept connection may have been closed meanwhile
                raise
        self._close()
        return self._exchange(body, headers)

    def _exchange(self, body: bytes, headers: dict[str, str]) -> str:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request("POST", self._endpoint.path, body, headers)
        response = self._connection.getresponse()
        text = response.read(_MAX_SHOWN).decode("utf-8", "replace").strip()
        if response.read(1) or response.will_close:
            self._close()
        return f"{response.status} {text}"

    def _connect(self) -> http.client.HTTPConnection:
        end = self._endpoint
        if end.scheme == "http":
            return http.client.HTTPConnection(end.host, end.port, timeout=_TIMEOUT_S)
        context = ssl.create_default_context(cafile=self._options.ca_file)
        if self._options.client_certificate:
            context.load_cert_chain(self._options.client_certificate)
        return http.client.HTTPSConnection(end.host, end.port, timeout=_TIMEOUT_S, context=context)

    def _authorization(self) -> dict[str, str]:
        """Return the header with the token, which is read from its file each time."""
        path = self._options.token_file
        if not path:
            return {}
        with open(path, encoding="utf-8") as file:
            return {"Authorization": f"Bearer {file.read().strip()}"}

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None
