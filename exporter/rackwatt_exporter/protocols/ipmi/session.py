"""Open RMCP+ session with one BMC: one command at a time.

A command without a response is sent again under a new session sequence number and the same request
number, so that a late response to the first packet counts too; all commands sent here only read.
Packets that are not authentic, not new or not the response to the open request are dropped.
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

IDLE_LIMIT_S = 55.0  # a BMC ends a session after 60 s without a packet (section 6.12.15)
BUSY_PAUSE_S = 0.25
_BUSY_RETRIES = 2  # then the reading fails, and the session is kept

_GET_DEVICE_ID = 0x01
_SET_PRIVILEGE = 0x3B
_CLOSE_SESSION = 0x3C
_CANNOT_RAISE = (0x80, 0x81)


class IpmiSession(Requester):
    """A session that the BMC has accepted. Times are the event loop's.

    `sent_at` is when the last command was first sent, `received_at` when the last authentic packet
    of the BMC arrived: the two show whether it still responds. `level` is the session's privilege.
    """

    __slots__ = (
        "_bmc_id",
        "_expected",
        "_keys",
        "_outbound",
        "_received_sequence",
        "_request",
        "attempts",
        "console_id",
        "level",
        "received_at",
        "sent_at",
        "timeout_s",
    )

    def __init__(
        self, endpoint: UdpTransport, address: Address, ids: tuple[int, int], keys: SessionKeys
    ) -> None:
        super().__init__(endpoint, address)
        self.console_id, self._bmc_id = ids
        self._keys = keys
        self._outbound = 0
        self._received_sequence = 0
        self._request = 0
        self._expected = (0, 0, 0)
        self.sent_at = self.received_at = endpoint.loop.time()
        self.level = rmcpplus.LEVELS["user"]
        self.attempts = 1
        self.timeout_s = 1.0
        endpoint.sessions[self.console_id] = self

    @property
    def is_alive(self) -> bool:
        """Whether the BMC responded to the last command and cannot have ended the session yet."""
        now = self.endpoint.loop.time()
        responded = self.received_at >= self.sent_at or now < self.sent_at + self.timeout_s
        return responded and now < self.received_at + IDLE_LIMIT_S

    async def command(
        self,
        name: str,
        code: tuple[int, int],
        data: bytes = b"",
        lun: int = 0,
        attempts: int | None = None,
    ) -> bytes:
        """Send a command and return the data of its response, without the completion code.

        `code` is network function and command; `name` is for messages. `attempts` may be other than
        those of the session.

        Raises:
            CompletionError: the BMC refused, or was busy at each of three tries.
            NoResponseError: there was none, `attempts` times for `timeout_s`.
            ReadError: connection_refused or unreachable.
        """
        request = self._encode(code, data, lun)
        response = await self._request_until_ready(name, request, attempts or self.attempts)
        if response[0] != ipmi_codes.OK:
            raise CompletionError(name, response[0])
        return response[1:]

    async def raise_privilege(self, level: int) -> None:
        """Raise the session to a privilege level; it starts as user.

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
        """Keep the session from expiring by the cheapest command (Get Device ID)."""
        await self.command("Get Device ID", (message.NETFN_APP, _GET_DEVICE_ID))

    async def close(self, timeout_s: float) -> None:
        """Close the session at the BMC; the request is sent again if there is no response."""
        request = self._encode_close()
        try:
            if await self.exchange(self._seal(request), timeout_s) is None:
                await self.exchange(self._seal(request), timeout_s)
        finally:
            self.unregister()

    def close_nowait(self) -> None:
        """Close the session without waiting for the BMC, which may not respond at all."""
        with suppress(ReadError):
            self.endpoint.send(self._seal(self._encode_close()), self.address)
        self.unregister()

    def unregister(self) -> None:
        """Stop listening for this session's packets."""
        self.endpoint.sessions.pop(self.console_id, None)

    def receive(self, packet: rmcpplus.Packet) -> None:
        """Handle a packet with our session id; only an authentic and new one counts."""
        ahead = (packet.sequence - self._received_sequence) & 0xFFFFFFFF
        if not 0 < ahead < 0x80000000:
            return
        text = rmcpplus.unseal(self._keys, packet)
        if text is None:
            return
        self._received_sequence = packet.sequence
        self.received_at = self.endpoint.loop.time()
        response = message.parse_reply(text, *self._expected)
        if response is not None:
            self.settle(response)

    async def _request_until_ready(self, name: str, request: bytes, attempts: int) -> bytes:
        self.sent_at = self.endpoint.loop.time()
        silent = busy = 0
        while silent < attempts:
            response = await self.exchange(self._seal(request), self.timeout_s)
            if response is None:
                silent += 1
            elif response[0] != ipmi_codes.NODE_BUSY or busy == _BUSY_RETRIES:
                return response
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
