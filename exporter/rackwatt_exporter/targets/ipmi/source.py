"""IPMI over LAN: one persistent RMCP+ session for each BMC, with one request in flight.

The driver has the sockets, and one timer that keeps the sessions of rarely read BMCs alive. A
source logs in when it has to, and reads.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from socket import AddressFamily

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.protocols.ipmi.crypto import SUITES, CipherSuite
from rackwatt_exporter.protocols.ipmi.handshake import (
    IpmiAccount,
    RakpHandshake,
    SuiteRefusedError,
    parse_kg,
)
from rackwatt_exporter.protocols.ipmi.rmcpplus import LEVELS
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError, UdpTransport
from rackwatt_exporter.protocols.udp.resolver import resolve
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.ipmi.oem import OemWorkers
from rackwatt_exporter.targets.ipmi.power import PowerReader

KEEP_ALIVE_S = 30.0  # half of the time after which a BMC ends an idle session
_TICK_S = 1.0
_CLOSE_TIMEOUT_S = 0.5


class IpmiDriver:
    """Resources of all IPMI sources: a socket for each address family, the keep-alive timer.

    `handshake` opens sessions: `RakpHandshake`, or a subclass.
    """

    def __init__(
        self, secrets: Secrets, handshake: Callable[..., RakpHandshake] = RakpHandshake
    ) -> None:
        self.secrets = secrets
        self.handshake = handshake
        self._endpoints: dict[AddressFamily, UdpTransport] = {}
        self._workers = OemWorkers(secrets)
        self._rarely_read: set[IpmiSource] = set()
        self._timer: asyncio.TimerHandle | None = None

    def source(self, target: Target) -> Source:
        """Make the source of a target: our own, or pyghmi's where the document sets `oem`."""
        assert isinstance(target.options, IpmiOptions)  # noqa: S101 - the registry pairs them
        if target.options.oem:
            return self._workers.source(target)
        return IpmiSource(self, target, target.options)

    def endpoint(self, family: AddressFamily) -> UdpTransport:
        """Return the socket of an address family, opened at the first call."""
        if family not in self._endpoints:
            self._endpoints[family] = UdpTransport(family)
        return self._endpoints[family]

    def keep_alive(self, source: "IpmiSource") -> None:
        """Keep this source's session alive from now on."""
        self._rarely_read.add(source)
        if self._timer is None:
            self._tick()

    def release(self, source: "IpmiSource") -> None:
        """Stop keeping this source's session alive."""
        self._rarely_read.discard(source)

    async def close(self) -> None:
        """Close the sockets and end the workers."""
        if self._timer is not None:
            self._timer.cancel()
        await self._workers.close()
        for endpoint in self._endpoints.values():
            endpoint.close()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        for source in self._rarely_read:
            source.keep_alive_if_due(loop.time())
        self._timer = loop.call_later(_TICK_S, self._tick)


class IpmiSource:
    """One BMC: its session, the cipher suite it accepted, and its PowerReader."""

    def __init__(self, driver: IpmiDriver, target: Target, options: IpmiOptions) -> None:
        self._driver = driver
        self._target = target
        self._options = options
        self._power = PowerReader(options)
        self._level = LEVELS[options.privilege]
        pinned = options.cipher_suite
        self._suites = [SUITES[number] for number in ([pinned] if pinned else [17, 3])]
        self._session: IpmiSession | None = None
        self._dropped: IpmiSession | None = None
        self._keeping_alive: asyncio.Task[None] | None = None

    @property
    def session(self) -> str:
        """The RMCP+ session and its cipher suite, while the BMC keeps it."""
        if self._session is None or not self._session.is_alive:
            return ""
        return f"RMCP+, cipher suite {self._suites[0].number}"

    async def read(self) -> Reading:
        """Read the power over the kept session, or over a new one where that gets no response.

        Raises:
            ReadError: with the reason.
        """
        if self._keeping_alive is not None:
            await self._keeping_alive
        session = self._session
        if session is not None and session.is_alive:
            try:
                return await self._read_in(session)
            except NoResponseError:
                pass  # the BMC may have restarted: log in
        return await self._read_in(await self._log_in())

    async def close(self) -> None:
        """Close the session at the BMC."""
        self._driver.release(self)
        session, self._session = self._session, None
        if self._keeping_alive is not None:
            self._keeping_alive.cancel()
            await asyncio.gather(self._keeping_alive, return_exceptions=True)
        if session is not None:
            with suppress(ReadError):
                await session.close(min(_CLOSE_TIMEOUT_S, self._target.attempt_timeout_s))

    def keep_alive_if_due(self, now: float) -> None:
        """Start a keep-alive if the session has been idle for KEEP_ALIVE_S."""
        session = self._session
        if session is None or not session.is_alive or now - session.received_at < KEEP_ALIVE_S:
            return
        if self._keeping_alive is None and not session.busy:
            self._keeping_alive = asyncio.create_task(self._keep_alive(session))

    async def _keep_alive(self, session: IpmiSession) -> None:
        try:
            with suppress(ReadError):  # the next reading will notice, and log in
                await session.keep_alive()
        finally:
            self._keeping_alive = None

    async def _read_in(self, session: IpmiSession) -> Reading:
        if session.level < self._level:
            await self._raise_privilege(session)
        return await self._power.read(session)

    async def _raise_privilege(self, session: IpmiSession) -> None:
        """Raise the session's privilege; one that may not be raised is dropped."""
        try:
            await session.raise_privilege(self._level)
        except ReadError as error:
            if error.reason is Reason.PRIVILEGE_INSUFFICIENT:
                self._drop_session()
            raise

    async def _log_in(self) -> IpmiSession:
        """Open a session with the first suite that the BMC accepts, and keep it."""
        self._drop_session()
        account = self._account()
        family, address = await resolve(self._target.address, self._options.port)
        endpoint = self._driver.endpoint(family)
        suites = list(self._suites)
        tries = max(self._target.retries + 1, len(suites))
        timeout_s = self._target.reading_timeout_s / tries
        losses = 0
        while True:
            suite = suites[losses % len(suites)]
            try:
                handshake = self._driver.handshake(endpoint, address, suite, timeout_s)
                session = await handshake.open(account)
            except SuiteRefusedError:
                suites.remove(suite)
                if not suites:
                    raise
            except NoResponseError:
                losses += 1
                if losses == tries:
                    raise
            else:
                return self._keep(session, suite)

    def _keep(self, session: IpmiSession, suite: CipherSuite) -> IpmiSession:
        self._session = session
        if self._dropped is not None:  # the BMC may not have received that it is closed
            self._dropped.close_nowait()
            self._dropped = None
        self._suites.sort(key=lambda each: each is not suite)
        session.timeout_s = self._target.attempt_timeout_s
        # The last attempt is reserved for a new log-in.
        session.attempts = max(1, self._target.retries)
        if self._target.interval_s > KEEP_ALIVE_S:
            self._driver.keep_alive(self)
        return session

    def _drop_session(self) -> None:
        if self._session is not None:
            self._session.close_nowait()
            self._dropped, self._session = self._session, None

    def _account(self) -> IpmiAccount:
        read, secret = self._driver.secrets.read, self._target.credentials
        kg_secret = self._options.kg_secret
        return IpmiAccount(
            read(secret, "username"),
            read(secret, "password"),
            self._level,
            parse_kg(read(kg_secret, "kg")) if kg_secret else b"",
        )
