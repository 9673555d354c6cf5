"""Redfish targets: one search for a machine's watts, then one GET for each reading."""

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
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import NOT_FOUND, Origin, StatusError
from rackwatt_exporter.protocols.redfish.json import Json
from rackwatt_exporter.protocols.redfish.login import RedfishAccount
from rackwatt_exporter.protocols.redfish.power import Found, NotNamedError
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.power_state import PowerStateMonitor
from rackwatt_exporter.targets.redfish.discovery import PowerDiscovery
from rackwatt_exporter.targets.redfish.lookup import UnfinishedError
from rackwatt_exporter.targets.redfish.resources import PowerResource
from rackwatt_exporter.targets.redfish.sum import Sum
from rackwatt_exporter.targets.redfish.systems import SystemsMonitor


class Bmc(NamedTuple):
    """Identity of a BMC: targets with equal ones share its session."""

    scheme: Literal["https", "http"]
    address: str
    port: int
    credentials: str | None
    auth: Literal["session", "basic"]
    tls: TlsOptions
    external_url: str | None = None


class RedfishDriver:
    """Resources of all sources: one client for each BMC.

    `origin` makes the client's connection: `Origin`, or a subclass.
    """

    def __init__(self, secrets: Secrets, origin: Callable[..., Origin] = Origin) -> None:
        self._secrets = secrets
        self._origin = origin
        self._services: dict[Bmc, RedfishClient] = {}
        self._users: dict[Bmc, int] = {}
        self._contexts: dict[TlsOptions, tuple[int, SSLContext]] = {}

    def source(self, target: Target) -> Source:
        """Make the source of a target, on the client that it shares with others of its BMC."""
        options = target.options
        assert isinstance(options, RedfishOptions)  # noqa: S101 - the registry pairs them
        bmc = Bmc(
            options.scheme,
            target.address,
            options.port,
            target.credentials,
            options.auth,
            options.tls,
            options.external_url,
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

        url = URL(bmc.external_url) if bmc.external_url else _url(bmc)
        behind = _base(bmc) if bmc.external_url else None
        origin = self._origin(url, lambda: self._tls(bmc.tls), bmc.tls.server_name, behind)
        return RedfishClient(origin, account, basic=bmc.auth == "basic")

    def _tls(self, options: TlsOptions) -> SSLContext:
        """Return a context, recreated when the file of its authorities has changed."""
        changed_ns = 0
        if options.ca_secret:
            changed_ns = self._secrets.path(options.ca_secret, "ca.crt").stat().st_mtime_ns
        created_ns, context = self._contexts.get(options, (-1, None))
        if context is None or created_ns != changed_ns:
            context = tls_context(tls_parameters(options, self._secrets))
            self._contexts[options] = changed_ns, context
        return context


class RedfishSource:
    """One machine behind a BMC, and the resource that has its watts."""

    def __init__(
        self,
        service: RedfishClient,
        options: RedfishOptions,
        release: Callable[[], Awaitable[None]],
    ) -> None:
        self._service = service
        self._release = release
        self._search = PowerDiscovery(service, options)
        self._resource: PowerResource | None = None
        self._sum = Sum(service)
        self._systems = SystemsMonitor()
        self._power_state = PowerStateMonitor()

    @property
    def session(self) -> str:
        """How requests are authorized: by a session, or by Basic with each request."""
        return self._service.authorized_by

    async def read(self) -> Reading:
        """Read the power; search for it first if its resource is unknown, or no longer exists.

        Raises:
            ReadError: with the reason; powered_off for a machine that is off.
        """
        if self._resource is None:
            return await self._find()
        try:
            reading = await self._measure(self._resource)
        except NotNamedError:
            reading = None  # the resource has changed
        except ReadError as error:
            if error.reason is not Reason.SENSOR_UNREADABLE:
                raise
            return await self._find(instead_of=self._resource, since=error)
        if reading is None:
            self._resource = None
            return await self._find()
        if await self._systems.finds_new(self._service):
            self._resource = None
            self._search.restart()
            return await self._find()
        if self._power_state.needs_check(reading.watts):
            await self._search.raise_if_powered_off()
            self._power_state.confirmed_on(reading.watts)
        return reading

    async def _find(
        self, instead_of: PowerResource | None = None, since: ReadError | None = None
    ) -> Reading:
        """Search for the watts; `instead_of` is a resource without watts now, `since` its error."""
        try:
            resource = await self._search.find()
        except UnfinishedError as unfinished:
            raise since or unfinished from None
        if since and instead_of and resource.paths == instead_of.paths:
            raise since
        self._resource = resource
        self._systems.searched(self._search.systems)
        # The search may have read the watts earlier; it has just read the power state.
        if reading := await self._measure(resource):
            self._power_state.confirmed_on(reading.watts)
            return reading
        message = f"{resource.where} had watts during the search, and has none now"
        raise ReadError(Reason.SENSOR_UNREADABLE, message)

    async def _measure(self, resource: PowerResource) -> Reading | None:
        if resource.refresh is None:
            found = await self._read_found(resource)
        else:
            resource = self._resource = await self._sum.refreshed(resource)
            found = await self._sum.read(resource, self._member)
        return found and self._sum.counted(found)

    async def _read_found(self, resource: PowerResource) -> Found | None:
        try:
            return await resource.read(self._service.get)
        except StatusError as error:
            if error.status != NOT_FOUND:
                raise
            self._search.restart()
            return None

    async def _member(self, path: str) -> Json:
        """Return a member of a sum; None where it does not exist any more."""
        try:
            return await self._service.get(path)
        except StatusError as error:
            if error.status != NOT_FOUND:
                raise
            self._sum.refresh_next()
            return None

    async def close(self) -> None:
        """End the session, if no other target is behind this BMC."""
        await self._release()


def _base(bmc: Bmc) -> str:
    host = f"[{bmc.address}]" if ":" in bmc.address else bmc.address
    return f"{bmc.scheme}://{host}:{bmc.port}"


def _url(bmc: Bmc) -> URL:
    # Not validated here: the first request reports what cannot be a host.
    return URL(f"{_base(bmc)}/", encoded=True)


def _text(secret: bytes, what: str) -> str:
    with suppress(UnicodeDecodeError):
        return secret.decode()
    raise ReadError(Reason.CREDENTIALS_MISSING, f"the {what} is not text in UTF-8")
