"""Handshake that opens an RMCP+ session: Open Session, RAKP messages 1 to 4 (IPMI v2.0, 13.15).

One handshake with one suite. A lost packet ends it: many BMCs fail if RAKP messages 1 or 3 are sent
twice, so the next try is another handshake, with new session ids and a new tag.
"""

import binascii
import hmac
import os
from dataclasses import dataclass, field

from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.crypto import CipherSuite, SessionKeys, Transcript
from rackwatt_exporter.protocols.ipmi.rmcpplus import LEVELS, OpenedSession, RmcpPlusResponse
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError, Requester, UdpTransport
from rackwatt_exporter.protocols.udp.resolver import Address
from rackwatt_exporter.reading import ReadError, Reason

USERNAME_LIMIT = 16
PASSWORD_LIMIT = 20
KG_LIMIT = 20

_LOST = (0x02, 0x08)
_NO_ROOM = (0x01, 0x0B)
_NO_PRIVILEGE = (0x09, 0x0A)
# By then the BMC has proved that it knows our password. It has since chosen another random number,
# for a RAKP message 1 that came twice.
_OUT_OF_STEP = (rmcpplus.RAKP3, 0x0F)
_WRONG_CREDENTIALS = (0x0C, 0x0D, 0x0E, 0x0F)
_KG_REMEDY = (
    "The BMC key (K_g) is set at the BMC, apart from users and passwords. Put it into the key `kg` "
    "of the Secret of `ipmi.kgSecretRef`, as text or as `0x` and hex digits; leave that field out "
    "where the BMC has none."
)


class SuiteRefusedError(ReadError):
    """The BMC will not open a session with this cipher suite."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.CIPHER_UNSUPPORTED, message)


@dataclass(frozen=True, slots=True)
class IpmiAccount:
    """User and requested privilege; password and keys are never printed.

    `kg` is the BMC's own key (K_g), empty where it has none.
    """

    username: bytes
    password: bytes = field(repr=False)
    level: int = LEVELS["user"]
    kg: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        for what, value, limit in (
            ("username", self.username, USERNAME_LIMIT),
            ("password", self.password, PASSWORD_LIMIT),
        ):
            if len(value) > limit:
                text = f"the {what} has {len(value)} bytes; IPMI allows {limit} at most"
                raise ReadError(Reason.AUTH_FAILED, text)


def parse_kg(text: bytes) -> bytes:
    """Parse a BMC key (K_g): its bytes themselves, or `0x` and hex digits.

    A key of zeros alone means no key (IPMI v2.0 table 22-15).

    Raises:
        ReadError: auth_failed, where it cannot be one. The message never holds a part of it.
    """
    key = text
    if text[:2] in (b"0x", b"0X"):
        try:
            key = binascii.unhexlify(text[2:])
        except binascii.Error:
            raise _bad_kg("what follows 0x is not an even number of hex digits") from None
    if not key:
        raise _bad_kg("it is empty")
    if len(key) > KG_LIMIT:
        raise _bad_kg(f"it has {len(key)} bytes; IPMI allows {KG_LIMIT} at most")
    return key.rstrip(b"\0")


class RakpHandshake(Requester):
    """One try to open a session. `timeout_s` is the limit for the response to each packet."""

    def __init__(
        self, endpoint: UdpTransport, address: Address, suite: CipherSuite, timeout_s: float
    ) -> None:
        super().__init__(endpoint, address)
        self._suite = suite
        self._timeout_s = timeout_s
        self._console_id = endpoint.new_session_id()
        self._expected_type = 0

    async def open(self, account: IpmiAccount) -> IpmiSession:
        """Open the session and raise it to the account's privilege.

        Raises:
            NoResponseError: a packet was lost, or no BMC is there.
            SuiteRefusedError: try another suite.
            ReadError: auth_failed, privilege_insufficient, session_limit, bad_reply,
                connection_refused, unreachable.
        """
        tag = self._take_tag()
        try:
            transcript, opened = await self._open_session(tag, account)
            await self._authenticate(tag, account.password, transcript)
            session_key = transcript.session_key(account.kg or account.password)
            session = self._session(opened, session_key)
            await self._confirm(tag, account, transcript, session, session_key)
        finally:
            del self.endpoint.logins[self.address, tag]
        return session

    def receive(self, packet: rmcpplus.Packet) -> None:
        """Handle a packet with our tag; only the expected response counts."""
        if packet.payload_type != self._expected_type:
            return
        response = RmcpPlusResponse.parse(packet.payload)
        ours = self._console_id.to_bytes(4, "little")
        if response is not None and (response.status or response.console_id == ours):
            self.settle(packet.payload)

    async def _open_session(
        self, tag: int, account: IpmiAccount
    ) -> tuple[Transcript, OpenedSession]:
        ours = self._console_id.to_bytes(4, "little")
        request = rmcpplus.OpenSessionRequest(tag, account.level, ours, self._suite.algorithms)
        rest = await self._exchange(rmcpplus.OPEN_SESSION_REQUEST, request.encode())
        opened = OpenedSession.parse(rest)
        if opened is None:
            raise _bad_reply("Open Session Response is truncated")
        if opened.algorithms != self._suite.algorithms:
            raise SuiteRefusedError(f"requested cipher suite {self._suite.number}, got another")
        role = rmcpplus.NAME_ONLY_LOOKUP | account.level
        transcript = Transcript(
            self._suite, ours, role, account.username, os.urandom(16), opened.bmc_id
        )
        return transcript, opened

    async def _authenticate(self, tag: int, password: bytes, transcript: Transcript) -> None:
        """RAKP messages 1 and 2: the BMC proves that it knows the password."""
        message = rmcpplus.Rakp1(
            tag, transcript.bmc_id, transcript.console_random, transcript.role, transcript.username
        )
        rest = await self._exchange(rmcpplus.RAKP1, message.encode())
        transcript.bmc_random, transcript.guid, proof = rest[:16], rest[16:32], rest[32:]
        if len(transcript.guid) < 16 or not proof:
            raise _bad_reply("RAKP message 2 is truncated")
        if not hmac.compare_digest(transcript.bmc_proof(password), proof):
            text = "the BMC's proof does not fit this password: it is wrong, or was changed"
            raise ReadError(Reason.AUTH_FAILED, text)

    def _session(self, opened: OpenedSession, session_key: bytes) -> IpmiSession:
        ids = (self._console_id, int.from_bytes(opened.bmc_id, "little"))
        keys = SessionKeys(self._suite, session_key)
        return IpmiSession(self.endpoint, self.address, ids, keys)

    async def _confirm(
        self,
        tag: int,
        account: IpmiAccount,
        transcript: Transcript,
        session: IpmiSession,
        session_key: bytes,
    ) -> None:
        """RAKP messages 3 and 4: prove that we know the password; the session is then open."""
        proof = rmcpplus.Rakp3(
            tag, 0, transcript.bmc_id, transcript.console_proof(account.password)
        )
        opened = False
        try:
            rest = await self._exchange(rmcpplus.RAKP3, proof.encode())
            opened = hmac.compare_digest(transcript.bmc_confirmation(session_key), rest)
        finally:
            if not opened:  # the BMC may have opened it anyway
                session.close_nowait()
        if not opened:
            raise _wrong_confirmation(rest, transcript.suite, bool(account.kg))

    async def _exchange(self, payload_type: int, payload: bytes) -> bytes:
        self._expected_type = payload_type + 1
        packet = rmcpplus.encode_plain(payload_type, payload)
        response = await self.exchange(packet, self._timeout_s)
        if response is None:
            name = _STEPS[payload_type]
            raise NoResponseError(f"{self.address[0]} did not answer {name}")
        if response[1]:
            raise _refusal(response[1], self._suite, payload_type)
        return response[8:]

    def _take_tag(self) -> int:
        logins, start = self.endpoint.logins, self._console_id
        tag = next(t for i in range(256) if (self.address, t := (start + i) & 0xFF) not in logins)
        logins[self.address, tag] = self
        return tag


_STEPS = {
    rmcpplus.OPEN_SESSION_REQUEST: "Open Session Request",
    rmcpplus.RAKP1: "RAKP message 1",
    rmcpplus.RAKP3: "RAKP message 3",
}


def _refusal(status: int, suite: CipherSuite, payload_type: int) -> ReadError:
    """Return the error of a status code (table 13-15)."""
    words = f"{_STEPS[payload_type]}: {rmcpplus.STATUS.get(status, 'unknown')} ({status:02X}h)"
    if status in _LOST or (payload_type, status) == _OUT_OF_STEP:
        return NoResponseError(f"the BMC lost the session while it was opened: {words}")
    if status in _NO_ROOM:
        return ReadError(Reason.SESSION_LIMIT, f"the BMC has no free session: {words}")
    if status in _NO_PRIVILEGE:
        text = f"this user may not have the requested privilege (ipmi.privilege): {words}"
        return ReadError(Reason.PRIVILEGE_INSUFFICIENT, text)
    if status in _WRONG_CREDENTIALS:
        return ReadError(Reason.AUTH_FAILED, f"the BMC does not know this user: {words}")
    if payload_type == rmcpplus.OPEN_SESSION_REQUEST:
        return SuiteRefusedError(f"the BMC refuses cipher suite {suite.number}: {words}")
    return _bad_reply(words)


def _bad_kg(why: str) -> ReadError:
    text = f"the key kg of the Secret of ipmi.kgSecretRef cannot be a K_g: {why}"
    return ReadError(Reason.AUTH_FAILED, text, remedy=_KG_REMEDY)


def _wrong_confirmation(rest: bytes, suite: CipherSuite, with_kg: bool) -> ReadError:
    """Return the error of a wrong RAKP message 4, from a BMC that accepted user and password.

    Its check value is the first that depends on the session key, and so on K_g, if there is one.
    """
    if len(rest) != suite.icv_length:
        return _bad_reply(f"RAKP message 4 has a check value of {len(rest)} bytes")
    text = "user and password are right, and RAKP message 4 is made with another session key: "
    if with_kg:
        text += "the K_g of ipmi.kgSecretRef is not the BMC's, or the BMC has none"
    else:
        text += "the BMC has a K_g, which ipmi.kgSecretRef must name"
    return ReadError(Reason.AUTH_FAILED, text, remedy=_KG_REMEDY)


def _bad_reply(text: str) -> ReadError:
    return ReadError(Reason.BAD_REPLY, text)
