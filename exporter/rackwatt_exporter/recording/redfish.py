"""Redfish services asked as ever, and what they answered noted down: resources, never sessions."""

from contextlib import suppress
from functools import partial
from typing import Any, Literal

from yarl import URL

from rackwatt_exporter import capture
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Authorization, Origin, RedfishResponse
from rackwatt_exporter.protocols.redfish.json import link, members
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.recording.exchange_log import ExchangeLog
from rackwatt_exporter.targets.redfish.source import RedfishDriver

# The rest tells of connections and sessions.
_HEADERS = ("Content-Type", "OData-Version", "Allow", "Server", "Retry-After")
_MOST_TEXT = 4096
_ALSO = ("/redfish/v1/Chassis", "/redfish/v1/Systems", "/redfish/v1/Managers")
_MOST_MEMBERS = 16


class RedfishTape(ExchangeLog[str, capture.RecordedResponse]):
    """Answers by path; `login` is the path at which a session was opened."""

    method: Literal["redfish"] = "redfish"

    def __init__(self) -> None:
        super().__init__()
        self.login: str | None = None

    @property
    def captured(self) -> capture.Redfish:
        """Give what was heard as a part of a capture."""
        resources = [capture.Resource(path=path, answers=self.turns(path)) for path in self.heard]
        return capture.Redfish(login=self.login, resources=resources)


class RecordingRedfishDriver(RedfishDriver):
    """A driver whose connections are noted down."""

    def __init__(self, secrets: Secrets, tape: RedfishTape) -> None:
        super().__init__(secrets, partial(_RecordingOrigin, tape))

    async def look_around(self) -> None:
        """Ask for what tells which machine and firmware this is."""
        for service in self._services.values():
            for path in _ALSO:
                with suppress(ReadError):
                    await _look_into(service, path)


class _RecordingOrigin(Origin):
    def __init__(self, tape: RedfishTape, *end: Any) -> None:
        super().__init__(*end)
        self._tape = tape

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> RedfishResponse:
        answer = await super()._send(method, path, headers, body)
        if method == "GET":
            self._tape.note(path, _noted(answer))
        elif method == "POST" and answer.status < 300:
            self._tape.login = path
            self._tape.secrets.add(answer.headers.get("x-auth-token", ""))
        return answer


async def _look_into(service: RedfishClient, path: str) -> None:
    found = await service.get(path)
    for member in filter(None, map(link, members(found)[:_MOST_MEMBERS])):
        await service.get(member)


def _noted(answer: RedfishResponse) -> capture.RecordedResponse:
    headers = {
        name: answer.headers[name.lower()] for name in _HEADERS if name.lower() in answer.headers
    }
    if location := answer.headers.get("location"):
        with suppress(ValueError):
            headers["Location"] = URL(location).raw_path_qs
    document, words = answer.json, None
    if document is None and answer.body.strip() != b"null":
        words = answer.body[:_MOST_TEXT].decode("utf-8", "replace")
    return capture.RecordedResponse(
        status=answer.status, headers=headers, document=document, text=words
    )
