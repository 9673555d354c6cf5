"""Recording of IPMI sessions: decrypted commands and their responses."""

from contextlib import suppress
from functools import partial
from typing import Literal, NamedTuple

from rackwatt_exporter import capture
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.crypto import CipherSuite
from rackwatt_exporter.protocols.ipmi.handshake import IpmiAccount, RakpHandshake
from rackwatt_exporter.protocols.ipmi.rmcpplus import OpenedSession
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import UdpTransport
from rackwatt_exporter.protocols.udp.resolver import Address
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.recording.exchange_log import ExchangeLog
from rackwatt_exporter.targets.ipmi.source import IpmiDriver

_GET_DEVICE_ID = (message.NETFN_APP, 0x01)
_GET_SDR = (message.NETFN_STORAGE, 0x23)


class SentCommand(NamedTuple):
    """A command as it was sent."""

    name: str
    code: tuple[int, int]
    lun: int
    data: bytes


class IpmiLog(ExchangeLog[SentCommand, bytes]):
    """Commands and their responses: completion code, then data."""

    method: Literal["ipmi"] = "ipmi"

    def __init__(self) -> None:
        super().__init__()
        self.suite: int | None = None

    @property
    def captured(self) -> capture.Ipmi:
        """Return the log as a part of a capture."""
        commands = [
            capture.Command(
                name=sent.name,
                netfn=sent.code[0],
                command=sent.code[1],
                lun=sent.lun,
                data=sent.data.hex(),
                answers=[response.hex() for response in self.distinct(sent)],
            )
            for sent in self.responses
        ]
        return capture.Ipmi(suite=self.suite, commands=commands)


class RecordingIpmiDriver(IpmiDriver):
    """A driver whose sessions record commands and responses."""

    def __init__(self, secrets: Secrets, log: IpmiLog) -> None:
        super().__init__(secrets, partial(_RecordingHandshake, self))
        self.log = log
        self._last: IpmiSession | None = None

    def session_opened(self, session: IpmiSession, suite: CipherSuite) -> None:
        """Record the cipher suite of a session."""
        self._last, self.log.suite = session, suite.number

    async def collect_diagnostics(self) -> None:
        """Read, over the open session, the vendor and model of the BMC."""
        if self._last is not None:
            with suppress(ReadError):
                await self._last.command("Get Device ID", _GET_DEVICE_ID)


class _RecordingHandshake(RakpHandshake):
    def __init__(
        self,
        driver: RecordingIpmiDriver,
        endpoint: UdpTransport,
        address: Address,
        suite: CipherSuite,
        timeout_s: float,
    ) -> None:
        super().__init__(endpoint, address, suite, timeout_s)
        self._driver = driver

    async def open(self, account: IpmiAccount) -> IpmiSession:
        session = await super().open(account)
        self._driver.session_opened(session, self._suite)
        return session

    def _session(self, opened: OpenedSession, session_key: bytes) -> IpmiSession:
        plain = super()._session(opened, session_key)
        return _RecordingSession(plain, self._driver.log)


class _RecordingSession(IpmiSession):
    __slots__ = ("_log",)

    def __init__(self, plain: IpmiSession, log: IpmiLog) -> None:
        ids = (plain.console_id, plain._bmc_id)
        super().__init__(plain.endpoint, plain.address, ids, plain._keys)
        self._log = log

    async def command(
        self,
        name: str,
        code: tuple[int, int],
        data: bytes = b"",
        lun: int = 0,
        attempts: int | None = None,
    ) -> bytes:
        # The reservation id is left out: a replay finds records without it.
        kept = bytes(2) + data[2:] if code == _GET_SDR else data
        sent = SentCommand(name, code, lun, kept)
        try:
            response = await super().command(name, code, data, lun, attempts)
        except CompletionError as error:
            self._log.add(sent, bytes((error.code,)))
            raise
        self._log.add(sent, bytes((ipmi_codes.OK,)) + response)
        return response
