"""Snapshots from another exporter, which polls the scheduler for all that poll it.

An answer is as old as that one's, told by `Age`, whether it comes whole or as 304 (RFC 9110, 13.1.2
and 15.4.5; RFC 9111, 5.1): a copy never looks younger than what it was made from. Jobs are left
there: their metrics are on the page of the exporter that polls the scheduler.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import msgspec

from rackwatt_crds.schedulers.exporter import Exporter
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

_LONGEST_TOLD = 300
_MAX_ERROR = 1024


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """Another exporter, the name under which it has the binding, and the Secret of a log-in."""

    url: str
    binding: str
    tls: TlsOptions = field(default_factory=TlsOptions)
    credentials: str | None = None


def remote_scheduler(config: SchedulerConfig, secrets: Secrets) -> "RemoteScheduler":
    """Make the scheduler of a binding to another exporter."""
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
        asked = {"If-None-Match": self._etag} if self._etag and self._last else {}
        headers = {"Accept": relay.ACCEPT, **self._authorization(), **asked}
        answer = await self._service.get(self._path, headers, relay.NODES_ALONE)
        if answer.status == 304 and self._last is not None and asked:
            return msgspec.structs.replace(self._last, age_s=age_s(answer))
        self._last = self._etag = None
        if answer.status != 200:
            raise refusal(answer, self._path)
        self._last = snapshot(answer)
        self._etag = answer.headers.get("etag")
        return self._last

    def _authorization(self) -> dict[str, str]:
        """Say who we are, by the Secret as it is now (RFC 7617)."""
        if self._login is None:
            return {}
        pair = b":".join(self._secrets.read(self._login, key) for key in ("username", "password"))
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()


def snapshot(answer: HttpResponse) -> SchedulerSnapshot:
    """Read a whole answer.

    Raises:
        ReadError: bad_reply, also for a version that cannot be read.
    """
    try:
        relay.check_version(answer.headers.get("content-type", ""))
        return relay.decode(answer.body, age_s(answer))
    except ValueError as error:
        raise ReadError(Reason.BAD_REPLY, printable(str(error), _LONGEST_TOLD)) from None


def age_s(answer: HttpResponse) -> float:
    """Tell how old an answer is now, the time it took to come included.

    Raises:
        ReadError: bad_reply, where it does not say: a state of unknown age is not known.
    """
    said = answer.headers.get("age", "")
    if not re.fullmatch(r"[0-9]{1,9}", said):
        told = (
            f"the answer has no Age ({printable(said, 20)!r}): is url that of a rackwatt-exporter?"
        )
        raise ReadError(Reason.BAD_REPLY, told)
    return int(said) + answer.took_s


def refusal(answer: HttpResponse, path: str) -> ReadError:
    """Find the reason for an answer that is no snapshot."""
    if answer.status in (401, 403):
        told = (
            "that exporter requires a password (exporter.credentials),"
            " or a certificate (exporter.tls.clientSecretRef)"
        )
        return ReadError(Reason.AUTH_FAILED, told)
    if answer.status == 404:
        told = f"nothing is at {path}: has that exporter a SchedulerBinding of this name?"
        return ReadError(Reason.BAD_REPLY, told)
    reason, message = _told(answer.body)
    if answer.status == 503 and reason is not None:
        return ReadError(reason, f"that exporter says: {message}")
    return ReadError(Reason.BAD_REPLY, f"{path} gives status {answer.status}: {message}")


def _told(body: bytes) -> tuple[Reason | None, str]:
    """Read `reason: message`; no reason where it is none of ours."""
    text = printable(body, _MAX_ERROR)
    word, colon, message = text.partition(": ")
    known: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
    found = known.get(word) if colon else None
    return found, printable(message if found else text, _LONGEST_TOLD)
