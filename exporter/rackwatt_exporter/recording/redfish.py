"""Recording of Redfish services: their resources, never sessions."""

from contextlib import suppress
from functools import partial
from typing import Any, Literal

from yarl import URL

from rackwatt_exporter import capture
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.http.redaction import without_secrets
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import Authorization, Origin, RedfishResponse
from rackwatt_exporter.protocols.redfish.json import Json, link, members
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.recording.exchange_log import ExchangeLog
from rackwatt_exporter.targets.redfish.source import RedfishDriver

# The others are about connections and sessions.
_HEADERS = ("Content-Type", "OData-Version", "Allow", "Server", "Retry-After")
_MAX_TEXT = 4096
_ALSO = ("/redfish/v1/Chassis", "/redfish/v1/Systems", "/redfish/v1/Managers")
_MAX_MEMBERS = 16


class RedfishLog(ExchangeLog[str, capture.RecordedResponse]):
    """Responses by path; `login` is the path at which a session was opened."""

    method: Literal["redfish"] = "redfish"

    def __init__(self) -> None:
        super().__init__()
        self.login: str | None = None

    @property
    def captured(self) -> capture.Redfish:
        """Return the log as a part of a capture."""
        resources = [
            capture.Resource(path=path, answers=self.distinct(path)) for path in self.responses
        ]
        return capture.Redfish(login=self.login, resources=resources)


class RecordingRedfishDriver(RedfishDriver):
    """A driver whose connections record responses."""

    def __init__(self, secrets: Secrets, log: RedfishLog) -> None:
        super().__init__(secrets, partial(_RecordingOrigin, log))

    async def collect_diagnostics(self) -> None:
        """Read the resources that identify model and firmware."""
        for service in self._services.values():
            for path in _ALSO:
                with suppress(ReadError):
                    await _get_members(service, path)


class _RecordingOrigin(Origin):
    def __init__(self, log: RedfishLog, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._log = log

    async def _send(
        self, method: str, path: str, headers: Authorization, body: bytes | None
    ) -> RedfishResponse:
        response = await super()._send(method, path, headers, body)
        if method == "GET":
            self._log.add(path, _recorded(response))
        elif method == "POST" and response.status < 300:
            self._log.login = path
            self._log.secrets.add(response.headers.get("x-auth-token", ""))
        return response


async def _get_members(service: RedfishClient, path: str) -> None:
    collection = await service.get(path)
    for member in filter(None, map(link, members(collection)[:_MAX_MEMBERS])):
        await service.get(member)


def _recorded(response: RedfishResponse) -> capture.RecordedResponse:
    headers = {
        name: without_secrets(response.headers[name.lower()])
        for name in _HEADERS
        if name.lower() in response.headers
    }
    if location := response.headers.get("location"):
        with suppress(ValueError):
            headers["Location"] = without_secrets(URL(location).raw_path_qs)
    document, text = _without_secrets(response.json), None
    if document is None and response.body.strip() != b"null":
        text = without_secrets(response.body.decode("utf-8", "replace"))[:_MAX_TEXT]
    return capture.RecordedResponse(
        status=response.status, headers=headers, document=document, text=text
    )


def _without_secrets(document: Json) -> Json:
    """Redact what the service echoes of the request, however it is encoded there."""
    if isinstance(document, str):
        return without_secrets(document)
    if isinstance(document, list):
        return [_without_secrets(each) for each in document]
    if isinstance(document, dict):
        return {name: _without_secrets(value) for name, value in document.items()}
    return document
