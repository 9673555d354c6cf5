"""An open RMCP+ session with one BMC: commands in, answers out, one at a time.

A command that is not answered is sent again under a new session sequence number and the same
request number, so that a late answer to the first sending counts too; all the commands sent here
only read. Whatever is not authentic, not new or not the answer to the open request is dropped.
"""

import asyncio
from contextlib import suppress

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi import rmcpplus
from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
from rackwatt_exporter.protocols.ipmi.crypto import SessionKeys
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError, Requester, UdpTransport
from rackwatt_exporter.protocols.udp.resolver import Address
from rackwatt_exporter.reading import ReadError, Reason

IDLE_LIMIT_S = 55.0  # a BMC forgets a session after 60 s without a packet (section 6.12.15)
BUSY_PAUSE_S = 0.25
_BUSY_TRIES = 2  # that follow the first; then the reading fails, and the session is kept

_GET_DEVICE_ID = 0x01
_SET_PRIVILEGE = 0x3B
_CLOSE_SESSION = 0x3C
_CANNOT_RAISE = (0x80, 0x81)


class IpmiSession(Requester):
    """A session that the BMC has accepted. Times are the event loop's.

    `asked_at` is when the last command was first sent, `heard_at` when the BMC last said anything
    authentic: between the two one sees whether it still listens. `level` is the privilege that the
    session has.
    """

    __slots__ = (
        "_bmc_id",
        "_expected",
        "_heard_sequence",
        "_keys",
        "_outbound",
        "_request",
        "asked_at",
        "attempts",
        "console_id",
        "heard_at",
        "level",
        "timeout_s",
    )

    def __init__(
        self, endpoint: UdpTransport, address: Address, ids: tuple[int, int], keys: SessionKeys
    ) -> None:
        super().__init__(endpoint, address)
        self.console_id, self._bmc_id = ids
        self._keys = keys
        self._outbound = 0
        self._heard_sequence = 0
        self._request = 0
        self._expected = (0, 0, 0)
        self.asked_at = self.heard_at = endpoint.loop.time()
        self.level = rmcpplus.LEVELS["user"]
        self.attempts = 1
        self.timeout_s = 1.0
        endpoint.sessions[self.console_id] = self

    @property
    def usable(self) -> bool:
        """Whether the BMC answered the last command, if late, and cannot have forgotten us yet."""
        now = self.endpoint.loop.time()
        answered = self.heard_at >= self.asked_at or now < self.asked_at + self.timeout_s
        return answered and now < self.heard_at + IDLE_LIMIT_S

    async def command(
        self, name: str, code: tuple[int, int], data: bytes = b"", lun: int = 0
    ) -> bytes:
        """Send a command and give the data of its answer, without the completion code.

        `code` is network function and command; `name` is for messages.

        Raises:
            CompletionError: the BMC said no, or said at each of three tries that it is busy.
            SilenceError: it said nothing, `attempts` times for `timeout_s`.
            ReadError: connection_refused or unreachable.
        """
        answer = await self._ask(name, self._encode(code, data, lun))
        if answer[0] != ipmi_codes.OK:
            raise CompletionError(name, answer[0])
        return answer[1:]

    async def raise_privilege(self, level: int) -> None:
        """Raise the session to a privilege level; it begins as user.

        Raises:
            ReadError: privilege_insufficient, where the user or the channel may not have it; and
                as `command`.
        """
        name = "Set Session Privilege Level"
        try:
            await self.command(name, (message.NETFN_APP, _SET_PRIVILEGE), bytes((level,)))
        except CompletionError as error:
            if (
                error.kind in (CodeKind.BUSY, CodeKind.TRANSIENT)
                and error.code not in _CANNOT_RAISE
            ):
                raise
            text = f"{name}: the user, or its channel, may not have this privilege"
            raise ReadError(
                Reason.PRIVILEGE_INSUFFICIENT, f"{text} (code {error.code:02X}h)"
            ) from None
        self.level = level

    async def keep_alive(self) -> None:
        """Let the BMC hear from us, with the cheapest command there is (Get Device ID)."""
        await self.command("Get Device ID", (message.NETFN_APP, _GET_DEVICE_ID))

    async def close(self, timeout_s: float) -> None:
        """Close the session at the BMC, which may leave that unanswered: it is told twice then."""
        request = self._encode_close()
        try:
            if await self.exchange(self._seal(request), timeout_s) is None:
                await self.exchange(self._seal(request), timeout_s)
        finally:
            self.forget()

    def abandon(self) -> None:
        """Close the session without waiting: the BMC may have a slot to free, or be gone."""
        with suppress(ReadError):
            self.endpoint.send(self._seal(self._encode_close()), self.address)
        self.forget()

    def forget(self) -> None:
        """Stop listening for this session's packets."""
        self.endpoint.sessions.pop(self.console_id, None)

    def receive(self, packet: rmcpplus.Packet) -> None:
        """Take a packet that bears our session id: only an authentic and new one counts."""
        ahead = (packet.sequence - self._heard_sequence) & 0xFFFFFFFF
        if not 0 < ahead < 0x80000000:
            return
        text = rmcpplus.unseal(self._keys, packet)
        if text is None:
            return
        self._heard_sequence = packet.sequence
        self.heard_at = self.endpoint.loop.time()
        answer = message.parse_reply(text, *self._expected)
        if answer is not None:
            self.settle(answer)

    async def _ask(self, name: str, request: bytes) -> bytes:
        self.asked_at = self.endpoint.loop.time()
        silent = busy = 0
        while silent < self.attempts:
            answer = await self.exchange(self._seal(request), self.timeout_s)
            if answer is None:
                silent += 1
            elif answer[0] != ipmi_codes.NODE_BUSY or busy == _BUSY_TRIES:
                return answer
            else:
                busy += 1
                await asyncio.sleep(min(BUSY_PAUSE_S, self.timeout_s / 4))
        raise NoResponseError(f"{self.address[0]} did not answer {name} on an open session")

    def _encode(self, code: tuple[int, int], data: bytes, lun: int = 0) -> bytes:
        self._request = (self._request + 1) & 0x3F
        self._expected = (code[0], code[1], self._request)
        return message.encode_request(code[0], code[1], self._request, data, lun)

    def _encode_close(self) -> bytes:
        data = self._bmc_id.to_bytes(4, "little")
        return self._encode((message.NETFN_APP, _CLOSE_SESSION), data)

    def _seal(self, request: bytes) -> bytes:
        self._outbound += 1
        return rmcpplus.seal(self._keys, self._bmc_id, self._outbound, request)
