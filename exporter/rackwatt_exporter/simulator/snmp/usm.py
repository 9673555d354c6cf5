"""Keys, signatures and encryption of SNMPv3's user-based security (RFC 3414, 3826 and 7860)."""

import hashlib
import hmac
import itertools
from functools import cache

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128

# The hash is known by the length of its signature (RFC 7860, 4.1; of SHA-1: RFC 3414, 7.2.1).
HASHES = {12: "sha1", 16: "sha224", 24: "sha256", 32: "sha384", 48: "sha512"}
_STRETCHED = 1_048_576
_SALTS = itertools.count(1)


class UserKeys:
    """One user's keys at one agent, for each hash that clients use."""

    def __init__(self, auth_password: str, priv_password: str, engine_id: bytes) -> None:
        self._auth_password = auth_password.encode()
        self._priv_password = priv_password.encode()
        self._engine_id = engine_id

    def signature(self, message: bytes, length: int) -> bytes:
        """Sign a message, whose field for the signature is zeros."""
        name = HASHES[length]
        key = _localize(name, self._auth_password, self._engine_id)
        return hmac.digest(key, message, name)[:length]

    def encrypt(self, plain: bytes, length: int, boots: int, time_s: int) -> tuple[bytes, bytes]:
        """Encrypt by AES-128 (RFC 3826); returns the salt and the cipher text."""
        salt = next(_SALTS).to_bytes(8, "big")
        encryptor = self._cipher(length, boots, time_s, salt).encryptor()
        return salt, encryptor.update(plain) + encryptor.finalize()

    def decrypt(self, secret: bytes, length: int, boots: int, time_s: int, salt: bytes) -> bytes:
        """Decrypt by AES-128; a wrong key yields garbage, not an error."""
        decryptor = self._cipher(length, boots, time_s, salt).decryptor()
        return decryptor.update(secret) + decryptor.finalize()

    def _cipher(self, length: int, boots: int, time_s: int, salt: bytes) -> Cipher[CFB]:
        key = _localize(HASHES[length], self._priv_password, self._engine_id)
        start = boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt
        return Cipher(AES128(key[:16]), CFB(start))


@cache
def _master(name: str, password: bytes) -> bytes:
    """Stretch a password to a megabyte, and hash it (RFC 3414, A.2)."""
    repeated = password * (_STRETCHED // len(password) + 1)
    return hashlib.new(name, repeated[:_STRETCHED]).digest()


@cache
def _localize(name: str, password: bytes, engine_id: bytes) -> bytes:
    """Localize a key to one agent (RFC 3414, 2.6)."""
    master = _master(name, password)
    return hashlib.new(name, master + engine_id + master).digest()
