"""Snapshots from another exporter, which polls the scheduler on behalf of its clients.

The age of a response is that of its snapshot, in `Age`, whether it is whole or a 304 (RFC 9110,
13.1.2 and 15.4.5; RFC 9111, 5.1): a copy never looks younger than its original. Jobs are left
there: their metrics are on the page of the exporter that polls the scheduler.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import msgspec

from rackwatt_crds.schedulers.exporter import Exporter
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets, basic_authorization
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.protocols.http.error_words import error_words
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

_MAX_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """Another exporter, the name under which it has the binding, and the Secret of a log-in."""

    url: str
    binding: str
    tls: TlsOptions = field(default_factory=TlsOptions)
    credentials: str | None = None


def remote_scheduler(config: SchedulerConfig, secrets: Secrets) -> "RemoteScheduler":
    """Return the scheduler of a binding to another exporter."""
    settings = config.settings
    assert isinstance(settings, Exporter)  # noqa: S101 - the registry pairs them
    login = settings.credentials.secret_ref.name if settings.credentials else None
    tls = merge_layers(TlsOptions, settings.tls)
    options = ExporterOptions(settings.url.rstrip("/"), config.name, tls, login)
    return RemoteScheduler(options, secrets, config.reading_timeout_s)


class RemoteScheduler:
    """One binding of another exporter. What has not changed is not sent again."""

    def __init__(self, options: ExporterOptions, secrets: Secrets, timeout_s: float) -> None:
        self._service = HttpClient(
            options.url, partial(tls_parameters, options.tls, secrets), timeout_s
        )
        self._path = relay.path(options.binding)
        self._login, self._secrets = options.credentials, secrets
        self._etag: str | None = None
        self._last: SchedulerSnapshot | None = None

    async def read(self) -> SchedulerSnapshot:
        """Read the snapshot that the other exporter has.

        Raises:
            ReadError: with the reason; that of the scheduler where the other one has nothing.
        """
        condition = {"If-None-Match": self._etag} if self._etag and self._last else {}
        headers = {"Accept": relay.ACCEPT, **self._authorization(), **condition}
        response = await self._service.get(self._path, headers, relay.NODES_ALONE)
        if response.status == 304 and self._last is not None and condition:
            return msgspec.structs.replace(self._last, age_s=age_s(response))
        self._last = self._etag = None
        if response.status != 200:
            raise refusal(response, self._path)
        self._last = snapshot(response)
        self._etag = response.headers.get("etag")
        return self._last

    def _authorization(self) -> dict[str, str]:
        """Return the credentials of the Secret as it is now."""
        return basic_authorization(self._secrets, self._login) if self._login else {}

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()


def snapshot(answer: HttpResponse) -> SchedulerSnapshot:
    """Parse a whole response.

    Raises:
        ReadError: bad_reply, also for a version that cannot be read.
    """
    try:
        relay.check_version(answer.headers.get("content-type", ""))
        return relay.decode(answer.body, age_s(answer))
    except ValueError as error:
        raise ReadError(Reason.BAD_REPLY, quoted(str(error), _MAX_MESSAGE)) from None


def age_s(answer: HttpResponse) -> float:
    """Return the age of a response now, in seconds, including its transfer.

    Raises:
        ReadError: bad_reply, without an age: a state of unknown age is unknown.
    """
    age = answer.headers.get("age", "")
    if not re.fullmatch(r"[0-9]{1,9}", age):
        message = (
            f"the answer has no Age ({quoted(age, 20)!r}): is url that of a rackwatt-exporter?"
        )
        raise ReadError(Reason.BAD_REPLY, message)
    return int(age) + answer.took_s


def refusal(answer: HttpResponse, path: str) -> ReadError:
    """Return the error of a response without a snapshot."""
    if answer.status in (401, 403):
        message = (
            "that exporter requires a password (exporter.credentials),"
            " or a certificate (exporter.tls.clientSecretRef)"
        )
        words = error_words(answer.body)
        said = f"{path}: status {answer.status}{words and f', {words}'}"
        return ReadError(Reason.AUTH_FAILED, f"{message} ({said})")
    if answer.status == 404:
        message = f"nothing is at {path}: has that exporter a SchedulerBinding of this name?"
        return ReadError(Reason.BAD_REPLY, message)
    reason, message = _parse_error(answer.body)
    if answer.status == 503 and reason is not None:
        return ReadError(reason, f"that exporter says: {message}")
    return ReadError(Reason.BAD_REPLY, f"{path} gives status {answer.status}: {message}")


def _parse_error(body: bytes) -> tuple[Reason | None, str]:
    """Parse `reason: message`; the reason is None if it is not one of ours."""
    text = body.decode("utf-8", "replace")
    word, colon, message = text.partition(": ")
    known: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
    found = known.get(word) if colon else None
    return found, quoted(message if found else text, _MAX_MESSAGE)
