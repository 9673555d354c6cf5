"""IPMI sessions that note what is asked and answered inside them, decrypted."""

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


class Asked(NamedTuple):
    """A command as it was sent."""

    name: str
    code: tuple[int, int]
    lun: int
    data: bytes


class IpmiTape(ExchangeLog[Asked, bytes]):
    """Commands and their answers: completion code, then data."""

    method: Literal["ipmi"] = "ipmi"

    def __init__(self) -> None:
        super().__init__()
        self.suite: int | None = None

    @property
    def captured(self) -> capture.Ipmi:
        """Give what was heard as a part of a capture."""
        commands = [
            capture.Command(
                name=asked.name,
                netfn=asked.code[0],
                command=asked.code[1],
                lun=asked.lun,
                data=asked.data.hex(),
                answers=[answer.hex() for answer in self.turns(asked)],
            )
            for asked in self.heard
        ]
        return capture.Ipmi(suite=self.suite, commands=commands)


class RecordingIpmiDriver(IpmiDriver):
    """A driver whose sessions note what they hear."""

    def __init__(self, secrets: Secrets, tape: IpmiTape) -> None:
        super().__init__(secrets, partial(_RecordingLogin, self))
        self.tape = tape
        self._last: IpmiSession | None = None

    def opened(self, session: IpmiSession, suite: CipherSuite) -> None:
        """Note that a session is open."""
        self._last, self.tape.suite = session, suite.number

    async def look_around(self) -> None:
        """Ask, over the session that is open, what make of BMC this is."""
        if self._last is not None:
            with suppress(ReadError):
                await self._last.command("Get Device ID", _GET_DEVICE_ID)


class _RecordingLogin(RakpHandshake):
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
        self._driver.opened(session, self._suite)
        return session

    def _session(self, opened: OpenedSession, session_key: bytes) -> IpmiSession:
        plain = super()._session(opened, session_key)
        return _RecordingSession(plain, self._driver.tape)


class _RecordingSession(IpmiSession):
    __slots__ = ("_tape",)

    def __init__(self, plain: IpmiSession, tape: IpmiTape) -> None:
        ids = (plain.console_id, plain._bmc_id)
        super().__init__(plain.endpoint, plain.address, ids, plain._keys)
        self._tape = tape

    async def command(
        self, name: str, code: tuple[int, int], data: bytes = b"", lun: int = 0
    ) -> bytes:
        # A reservation is a number of the moment; records are found without it.
        kept = bytes(2) + data[2:] if code == _GET_SDR else data
        asked = Asked(name, code, lun, kept)
        try:
            answer = await super().command(name, code, data, lun)
        except CompletionError as error:
            self._tape.note(asked, bytes((error.code,)))
            raise
        self._tape.note(asked, bytes((ipmi_codes.OK,)) + answer)
        return answer
