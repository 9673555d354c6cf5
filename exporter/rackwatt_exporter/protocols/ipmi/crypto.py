"""Cipher suites 3 and 17 of RMCP+: the proofs of both ends, and the keys of a session.

IPMI v2.0 sections 13.19 to 13.32 and table 22-20. Suite 3 is RAKP-HMAC-SHA1, HMAC-SHA1-96 and
AES-CBC-128; suite 17 has SHA256 in both places. The others are obsolete, or encrypt nothing.
"""

import hmac
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

BLOCK = 16
# The pad of a last block that lacks n bytes: 1, 2, … n, n (section 13.29).
_PADS = tuple(bytes(range(1, n + 1)) + bytes((n,)) for n in range(BLOCK))


@dataclass(frozen=True, slots=True)
class CipherSuite:
    """The numbers by which a suite is requested, and its hash."""

    number: int
    authentication: int
    integrity: int
    digest: str
    icv_length: int
    confidentiality: int = 1

    @property
    def algorithms(self) -> tuple[int, int, int]:
        """The suite's authentication, integrity and confidentiality algorithms."""
        return self.authentication, self.integrity, self.confidentiality

    def mac(self, key: bytes, data: bytes) -> bytes:
        """Compute the whole HMAC."""
        return hmac.digest(key, data, self.digest)


SUITES = {
    3: CipherSuite(3, authentication=1, integrity=1, digest="sha1", icv_length=12),
    17: CipherSuite(17, authentication=3, integrity=4, digest="sha256", icv_length=16),
}


@dataclass(slots=True)
class Transcript:
    """Values exchanged while a session is opened; every proof is an HMAC over some of them.

    `role` is the byte of RAKP message 1: the requested privilege, and how the user is looked up.
    """

    suite: CipherSuite
    console_id: bytes
    role: int
    username: bytes
    console_random: bytes
    bmc_id: bytes = b""
    bmc_random: bytes = b""
    guid: bytes = b""

    @property
    def _identity(self) -> bytes:
        return bytes((self.role, len(self.username))) + self.username

    def bmc_proof(self, password: bytes) -> bytes:
        """Compute the BMC's proof in RAKP message 2 that it knows the password."""
        values = self.console_id + self.bmc_id + self.console_random + self.bmc_random + self.guid
        return self.suite.mac(password, values + self._identity)

    def console_proof(self, password: bytes) -> bytes:
        """Compute the console's proof in RAKP message 3 that it knows the password."""
        return self.suite.mac(password, self.bmc_random + self.console_id + self._identity)

    def session_key(self, key: bytes) -> bytes:
        """Compute the session integrity key from K_g, or from the password where there is none."""
        return self.suite.mac(key, self.console_random + self.bmc_random + self._identity)

    def bmc_confirmation(self, session_key: bytes) -> bytes:
        """Compute the check value of RAKP message 4, by which the BMC shows the same key."""
        values = self.console_random + self.bmc_id + self.guid
        return self.suite.mac(session_key, values)[: self.suite.icv_length]


class SessionKeys:
    """The keys of one open session: integrity (K1), and confidentiality (the first half of K2).

    CBC is chained here over two kept contexts of the block cipher: a fresh context for each packet
    costs six times as much, which matters with thousands of BMCs.
    """

    __slots__ = ("_decrypt", "_digest", "_encrypt", "_k1", "icv_length")

    def __init__(self, suite: CipherSuite, session_key: bytes) -> None:
        self.icv_length = suite.icv_length
        self._digest = suite.digest
        self._k1 = suite.mac(session_key, b"\x01" * 20)
        # ECB is the bare block cipher here, never a mode that a message is sent in.
        cipher = Cipher(AES(suite.mac(session_key, b"\x02" * 20)[:BLOCK]), ECB())  # noqa: S305
        self._encrypt = cipher.encryptor().update
        self._decrypt = cipher.decryptor().update

    def integrity_value(self, data: bytes) -> bytes:
        """Compute the truncated HMAC that ends a packet."""
        return hmac.digest(self._k1, data, self._digest)[: self.icv_length]

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt a payload under a fresh initialisation vector, which goes in front."""
        padded = plain + _PADS[-(len(plain) + 1) % BLOCK]
        chain = [os.urandom(BLOCK)]
        for start in range(0, len(padded), BLOCK):
            chain.append(self._encrypt(_xor(padded[start : start + BLOCK], chain[-1])))
        return b"".join(chain)

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """Decrypt a payload; None where its length or its pad cannot be."""
        length = len(encrypted) - BLOCK
        if length < BLOCK or length % BLOCK:
            return None
        padded = _xor(self._decrypt(encrypted[BLOCK:]), encrypted[:length])
        pad = padded[-1] + 1
        return padded[:-pad] if pad <= BLOCK else None


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))
