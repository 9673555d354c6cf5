"""Probe of a peer by a TLS handshake, where the first one failed without saying why.

The error can then say what the peer offers by old TLS, or that it wants a client certificate. No
request and no password are sent over it, so the peer's certificate is not verified.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import NamedTuple

from rackwatt_exporter.protocols.http.tls import TlsParameters, allow_old, load_certificate
from rackwatt_exporter.protocols.http.tls_errors import (
    CONNECTION_CLOSED,
    ClientCertificate,
    cause_of,
    client_refused,
    tls_failed,
)
from rackwatt_exporter.protocols.http.tls_stream import TlsStream
from rackwatt_exporter.reading import ReadError

PROBE_TIMEOUT_S = 2.0
ALERT_TIMEOUT_S = 1.0  # a refusal of the client is one round trip behind the handshake
_CHUNK = 16 * 1024
_HANDSHAKE = 22  # content type of a record; these are types of its messages (RFC 5246, 7.4)
_SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST = 12, 13
_NAMED_CURVE = 3
_WEAK_HASHES = {1: "MD5", 2: "SHA-1"}


class Peer(NamedTuple):
    """A TLS service, and how its client connects to it; `client` is the client's certificate."""

    host: str
    port: int
    client: ClientCertificate
    tls: TlsParameters


class Agreement(NamedTuple):
    """What a handshake agrees on."""

    version: str
    cipher: str

    @property
    def is_new(self) -> bool:
        """Whether a handshake would have agreed on it without anything old."""
        names = {cipher["name"] for cipher in ssl.create_default_context().get_ciphers()}
        return self.version == "TLSv1.2" and self.cipher in names


async def diagnose(error: Exception, peer: Peer) -> ReadError:
    """Return the error of a handshake that failed, and what old TLS would agree on."""
    cause = cause_of(error, peer.client)
    if not cause.old:
        return tls_failed(cause)
    probe = _Probe(peer, old=True)
    agreed = await probe.agreement()
    if agreed is None and probe.certificate_requested:
        return tls_failed(client_refused(peer.client))
    if (
        peer.tls.legacy
        or agreed is None
        or agreed.version == "TLSv1.3"
        or (cause is CONNECTION_CLOSED and agreed.is_new)
    ):
        return tls_failed(cause, "")
    return tls_failed(cause, _offer(agreed, probe.weak_hash))


async def diagnose_silence(error: ReadError, peer: Peer) -> ReadError:
    """Return the error of a connection that the peer closed instead of its first response.

    In TLS 1.3 the peer verifies the client's certificate after the client's handshake has ended.
    It then closes the connection, on which the request has arrived unread: its alert is lost.
    """
    probe = _Probe(peer, old=peer.tls.legacy)
    try:
        closed = await probe.closed()
    except ssl.SSLError as alert:
        return tls_failed(cause_of(alert, peer.client))
    except (OSError, ValueError):  # TimeoutError is of OSError
        return error
    return tls_failed(client_refused(peer.client)) if closed else error


def _offer(agreed: Agreement, weak_hash: str | None) -> str:
    """Say what a peer offers that only old TLS allows."""
    if not agreed.is_new:
        return f"it offers {agreed.version} with {agreed.cipher}"
    if weak_hash:
        return f"it signs its key exchange by {weak_hash}"
    return "it offers an old signature or key exchange"


class _Probe:
    """One handshake: whether the peer requests a certificate, and the weak hash it signs by."""

    def __init__(self, peer: Peer, *, old: bool) -> None:
        self.certificate_requested = False
        self.weak_hash: str | None = None
        self._peer = peer
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if old:
            allow_old(context)
        if peer.tls.certificate:
            with suppress(ReadError):  # a handshake without it says something too
                load_certificate(context, *peer.tls.certificate)
        # What tests of CPython itself observe handshakes by; nothing else has decrypted messages.
        context._msg_callback = self._observe  # type: ignore[attr-defined]
        self._tls = TlsStream(context, peer.tls.server_name or peer.host)

    async def agreement(self) -> Agreement | None:
        """Return what the handshake agrees on; None where it fails."""
        with suppress(OSError, ValueError):  # TimeoutError and SSLError are of OSError
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._run()
        return Agreement(*self._tls.agreed) if self._tls.agreed else None

    async def closed(self) -> bool:
        """Return whether a peer that requests a certificate closes a connection without request.

        Raises:
            ssl.SSLError: the peer sends an alert.
            OSError, ValueError: the peer cannot be reached, or keeps the connection.
        """
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await self._run(ALERT_TIMEOUT_S)
        return self.certificate_requested

    async def _run(self, alert_timeout_s: float | None = None) -> None:
        """Shake hands; then wait for the end of the connection, where there is a time for it."""
        reader, writer = await asyncio.open_connection(self._peer.host, self._peer.port)
        try:
            writer.write(self._tls.start_handshake())
            while not self._tls.established and await self._exchange(reader, writer):
                pass
            if alert_timeout_s is not None:
                async with asyncio.timeout(alert_timeout_s):
                    while await self._exchange(reader, writer):
                        pass
        finally:
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Receive some bytes and send what they ask for; False at the end of the connection."""
        data = await reader.read(_CHUNK)
        if not data:
            return False
        try:
            self._tls.decrypt(data)
        finally:
            writer.write(self._tls.data_to_send())
        return not self._tls.closed

    def _observe(
        self, _connection: object, way: str, _version: int, content: int, kind: int, data: bytes
    ) -> None:
        """Note what a message of the peer says."""
        if way != "read" or content != _HANDSHAKE:
            return
        if kind == _CERTIFICATE_REQUEST:
            self.certificate_requested = True
        elif kind == _SERVER_KEY_EXCHANGE:
            self.weak_hash = _weak_hash(data[4:])


def _weak_hash(exchange: bytes) -> str | None:
    """Return the weak hash of an ECDHE key's signature (RFC 8422, section 5.4)."""
    if len(exchange) < 4 or exchange[0] != _NAMED_CURVE:
        return None
    signature = exchange[4 + exchange[3] :]
    return _WEAK_HASHES.get(signature[0]) if signature else None
