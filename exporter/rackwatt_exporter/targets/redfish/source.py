"""Redfish: found once where a machine's watts are, then one GET for each reading."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from ssl import SSLContext
from typing import Literal, NamedTuple

from yarl import URL

from rackwatt_exporter.config.options import RedfishOptions, TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.tls import tls_context
from rackwatt_exporter.protocols.redfish.client import RedfishAccount, RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import NOT_FOUND, Origin, StatusError
from rackwatt_exporter.protocols.redfish.json import Json
from rackwatt_exporter.protocols.redfish.power import Found, NotNamedError
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.redfish.discovery import PowerDiscovery
from rackwatt_exporter.targets.redfish.lookup import UnfinishedError
from rackwatt_exporter.targets.redfish.power_state import PowerStateMonitor
from rackwatt_exporter.targets.redfish.resources import PowerResource
from rackwatt_exporter.targets.redfish.sum import Sum


class Bmc(NamedTuple):
    """What makes two targets be behind the same BMC, and share its session."""

    scheme: Literal["https", "http"]
    address: str
    port: int
    credentials: str | None
    auth: Literal["session", "basic"]
    tls: TlsOptions


class RedfishDriver:
    """What all sources share: one service for each BMC they are behind.

    `origin` makes this end of a connection: `Origin`, or what does the same and more.
    """

    def __init__(self, secrets: Secrets, origin: Callable[..., Origin] = Origin) -> None:
        self._secrets = secrets
        self._origin = origin
        self._services: dict[Bmc, RedfishClient] = {}
        self._users: dict[Bmc, int] = {}
        self._contexts: dict[TlsOptions, tuple[int, SSLContext]] = {}

    def source(self, target: Target) -> Source:
        """Make the source of a target, on the service it shares with others of its BMC."""
        options = target.options
        assert isinstance(options, RedfishOptions)  # noqa: S101 - the catalogue pairs them
        bmc = Bmc(
            options.scheme,
            target.address,
            options.port,
            target.credentials,
            options.auth,
            options.tls,
        )
        if bmc not in self._services:
            self._services[bmc] = self._service(bmc)
        self._users[bmc] = self._users.get(bmc, 0) + 1
        service = self._services[bmc]
        return RedfishSource(service, options, lambda: self._release(bmc))

    async def close(self) -> None:
        """Close all connections."""
        for service in self._services.values():
            await service.close()

    async def _release(self, bmc: Bmc) -> None:
        self._users[bmc] -= 1
        if not self._users[bmc]:
            del self._users[bmc]
            await self._services.pop(bmc).close()

    def _service(self, bmc: Bmc) -> RedfishClient:
        def account() -> RedfishAccount:
            username = self._secrets.read(bmc.credentials, "username")
            password = self._secrets.read(bmc.credentials, "password")
            return RedfishAccount(_text(username, "user name"), _text(password, "password"))

        origin = self._origin(_url(bmc), lambda: self._tls(bmc.tls), bmc.tls.server_name)
        return RedfishClient(origin, account, basic=bmc.auth == "basic")

    def _tls(self, options: TlsOptions) -> SSLContext:
        """Return a context, made anew when the file of its authorities has changed."""
        changed_ns = 0
        if options.ca_secret:
            changed_ns = self._secrets.path(options.ca_secret, "ca.crt").stat().st_mtime_ns
        made_ns, context = self._contexts.get(options, (-1, None))
        if context is None or made_ns != changed_ns:
            context = tls_context(tls_parameters(options, self._secrets))
            self._contexts[options] = changed_ns, context
        return context


class RedfishSource:
    """One machine behind a BMC, and where its watts were found."""

    def __init__(
        self,
        service: RedfishClient,
        options: RedfishOptions,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self._service = service
        self._release = release
        self._search = PowerDiscovery(service, options)
        self._place: PowerResource | None = None
        self._sum = Sum(service)
        self._doubt = PowerStateMonitor()

    @property
    def session(self) -> str:
        """How this BMC knows us: a session of its own, or Basic with each request."""
        return self._service.authorized_by

    async def read(self) -> Reading:
        """Read the power; look for it first where it is not known, or no longer there.

        Raises:
            ReadError: with the reason; powered_off for a machine that is off.
        """
        if self._place is None:
            return await self._find()
        try:
            reading = await self._measure(self._place)
        except NotNamedError:
            reading = None  # the resource has changed
        except ReadError as error:
            if error.reason is not Reason.SENSOR_UNREADABLE:
                raise
            return await self._find(instead_of=self._place, since=error)
        if reading is None:
            self._place = None
            return await self._find()
        if self._doubt.arises(reading.watts):
            await self._search.refuse_powered_off()
            self._doubt.settle(reading.watts)
        return reading

    async def _find(
        self, instead_of: PowerResource | None = None, since: ReadError | None = None
    ) -> Reading:
        """Search for the watts; `instead_of` a place that has none now, `since` it says so."""
        try:
            place = await self._search.find()
        except UnfinishedError as unfinished:
            raise since or unfinished from None
        if since and instead_of and place.paths == instead_of.paths:
            raise since
        self._place = place
        # What the search saw may be older than this reading; that the machine is on, it saw now.
        if reading := await self._measure(place):
            self._doubt.settle(reading.watts)
            return reading
        message = f"{place.where} had watts a moment ago, and has none now"
        raise ReadError(Reason.SENSOR_UNREADABLE, message)

    async def _measure(self, place: PowerResource) -> Reading | None:
        if place.again is None:
            found = await self._found_at(place)
        else:
            place = self._place = await self._sum.listed_again(place)
            found = await place.read(self._member)
        return found and self._sum.counted(found)

    async def _found_at(self, place: PowerResource) -> Found | None:
        try:
            return await place.read(self._service.get)
        except StatusError as error:
            if error.status != NOT_FOUND:
                raise
            self._search.restart()
            return None

    async def _member(self, path: str) -> Json:
        """Return a member of a sum; None where it is gone, and so cannot be read."""
        try:
            return await self._service.get(path)
        except StatusError as error:
            if error.status != NOT_FOUND:
                raise
            self._sum.list_again()
            return None

    async def close(self) -> None:
        """End the session, where no other target is behind this BMC."""
        await self._release()


def _url(bmc: Bmc) -> URL:
    host = f"[{bmc.address}]" if ":" in bmc.address else bmc.address
    # Not looked at here: what cannot be a host is found, and told, when it is asked.
    return URL(f"{bmc.scheme}://{host}:{bmc.port}/", encoded=True)


def _text(secret: bytes, what: str) -> str:
    with suppress(UnicodeDecodeError):
        return secret.decode()
    raise ReadError(Reason.CREDENTIALS_MISSING, f"the {what} is not text in UTF-8")
