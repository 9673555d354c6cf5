"""Client-side TLS without sockets: bytes in, bytes out.

OpenSSL encrypts and decrypts in memory; the connection sends and receives the bytes. The event
loop's own TLS keeps large buffers for each connection, and costs more at each request.
"""

import ssl
from contextlib import suppress


class TlsStream:
    """TLS of one connection, from its ClientHello on."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "closed", "established")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.established = False
        self.closed = False

    @property
    def agreed(self) -> tuple[str, str] | None:
        """Version and cipher suite of the handshake; None before its end."""
        version, cipher = self._tls.version(), self._tls.cipher()
        return (version, cipher[0]) if self.established and version and cipher else None

    def start_handshake(self) -> bytes:
        """Return the ClientHello to send."""
        self._do_handshake()
        return self._outgoing.read()

    def encrypt(self, plain: bytes) -> bytes:
        """Return the records to send for a plain text."""
        self._tls.write(plain)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """Return the plain text of received data; sets `closed` at the peer's close_notify.

        Raises:
            ssl.SSLError: it is not TLS, the peer refuses us, or its certificate does not verify.
        """
        self._incoming.write(data)
        if not self.established:
            self._do_handshake()
        plain = b""
        while self.established and not self.closed and (size := self._unread):
            try:
                part = self._tls.read(size)
            except ssl.SSLWantReadError:
                break
            plain += part
            self.closed = not part
        return plain

    def data_to_send(self) -> bytes:
        """Return what TLS itself has to send now: handshake, alerts, new keys."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def close_notify(self) -> bytes:
        """Return the close_notify alert to send."""
        with suppress(ssl.SSLError):  # the peer's own is not waited for (RFC 8446, section 6.1)
            self._tls.unwrap()
        return self._outgoing.read()

    @property
    def _unread(self) -> int:
        return self._incoming.pending + self._tls.pending()

    def _do_handshake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True
