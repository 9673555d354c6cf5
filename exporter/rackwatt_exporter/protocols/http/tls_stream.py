"""TLS as a client, without sockets: bytes in, bytes out.

OpenSSL enciphers and deciphers in memory; whoever has the connection carries the bytes. The event
loop's own TLS holds large blocks for each connection, and costs more at each request.
"""

import ssl
from contextlib import suppress


class TlsStream:
    """One connection's TLS, from its first hello on."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "closed", "established")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.established = False
        self.closed = False

    def hello(self) -> bytes:
        """Begin: give what is said first."""
        self._shake_hands()
        return self._outgoing.read()

    def enciphered(self, plain: bytes) -> bytes:
        """Give what is to be sent for it."""
        self._tls.write(plain)
        return self._outgoing.read()

    def deciphered(self, data: bytes) -> bytes:
        """Take what has come, and give what it says; `closed` once the peer has taken leave.

        Raises:
            ssl.SSLError: it is not TLS, the peer refuses us, or its certificate does not verify.
        """
        self._incoming.write(data)
        if not self.established:
            self._shake_hands()
        plain = b""
        while self.established and not self.closed and (at_most := self._undeciphered):
            try:
                part = self._tls.read(at_most)
            except ssl.SSLWantReadError:
                break
            plain += part
            self.closed = not part
        return plain

    def said(self) -> bytes:
        """Give what TLS itself has to say now: its handshake, its alerts, new keys."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def farewell(self) -> bytes:
        """Take leave: give what is said last."""
        with suppress(ssl.SSLError):  # the peer's own is not waited for (RFC 8446, section 6.1)
            self._tls.unwrap()
        return self._outgoing.read()

    @property
    def _undeciphered(self) -> int:
        return self._incoming.pending + self._tls.pending()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.established = True
