"""Keys, signatures and encryption of SNMPv3's user-based security (RFC 3414, 3826 and 7860)."""

import hashlib
import itertools
import os
import struct
from typing import NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

_STRETCHED = 1_048_576
_DES_BLOCK, _AES_BLOCK, _SALT_LENGTH = 8, 16, 8
_CLOCK = struct.Struct(">II")


class _Hash(NamedTuple):
    name: str
    signature_length: int


class _Privacy(NamedTuple):
    key_length: int
    # A hash that is shorter than the key: lengthened as draft-blumenthal-aes-usm-04 has it, or as
    # draft-reeder-snmpv3-usm-3desede-00 does, which Cisco took for AES.
    as_cisco: bool = False


HASHES = {
    "MD5": _Hash("md5", 12),
    "SHA": _Hash("sha1", 12),
    "SHA-224": _Hash("sha224", 16),
    "SHA-256": _Hash("sha256", 24),
    "SHA-384": _Hash("sha384", 32),
    "SHA-512": _Hash("sha512", 48),
}
PRIVACY = {
    "DES": _Privacy(16),
    "AES": _Privacy(16),
    "AES-192": _Privacy(24),
    "AES-256": _Privacy(32),
    "AES-192-C": _Privacy(24, as_cisco=True),
    "AES-256-C": _Privacy(32, as_cisco=True),
}


class User(NamedTuple):
    """A user, and the keys derived from its passwords; empty where the level needs none."""

    name: bytes
    auth: str = "SHA-256"
    auth_master: bytes = b""
    privacy: str = "AES"
    privacy_master: bytes = b""

    @property
    def signs(self) -> bool:
        """Whether messages are signed."""
        return bool(self.auth_master)

    @property
    def encrypts(self) -> bool:
        """Whether messages are encrypted."""
        return bool(self.privacy_master)


def master_key(auth: str, password: bytes) -> bytes:
    """Stretch a password to a megabyte, and hash it (RFC 3414, A.2)."""
    repeated = password * (_STRETCHED // len(password) + 1)
    return hashlib.new(HASHES[auth].name, repeated[:_STRETCHED]).digest()


class Keys:
    """A user's keys at one engine."""

    def __init__(self, user: User, engine_id: bytes) -> None:
        self._hash = HASHES[user.auth]
        self._signer = None
        if user.signs:
            self._signer = _Signer(self._localize(user.auth_master, engine_id), self._hash)
        self._privacy: _Des | _Aes | None = None
        if user.encrypts:
            key = self._extend(user, engine_id)
            self._privacy = _Des(key) if user.privacy == "DES" else _Aes(key)

    @property
    def signature_length(self) -> int:
        """Bytes of a signature; 0 where there are none."""
        return self._hash.signature_length if self._signer else 0

    def signature(self, message: bytes) -> bytes:
        """Sign a message, whose field for the signature is zeros."""
        return self._signer.signature(message) if self._signer else b""

    def encrypt(self, plain: bytes, boots: int, time_s: int) -> tuple[bytes, bytes]:
        """Encrypt; return the salt and the cipher text."""
        assert self._privacy is not None  # noqa: S101 - of a user who encrypts
        return self._privacy.encrypt(plain, boots, time_s)

    def decrypt(self, secret: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
        """Decrypt; a wrong key yields a text that is not SNMP.

        Raises:
            ValueError: the salt or the length of the cipher text is impossible.
        """
        if self._privacy is None or len(salt) != _SALT_LENGTH:
            raise ValueError(
                "a response encrypted without a salt, or for a user without encryption"
            )
        return self._privacy.decrypt(secret, boots, time_s, salt)

    def _extend(self, user: User, engine_id: bytes) -> bytes:
        length, as_cisco = PRIVACY[user.privacy]
        key = last = self._localize(user.privacy_master, engine_id)
        while len(key) < length:
            if as_cisco:
                last = self._localize(master_key(user.auth, last), engine_id)
            else:
                last = self._digest(key)
            key += last
        return key[:length]

    def _localize(self, master: bytes, engine_id: bytes) -> bytes:
        """Localize a key to one engine (RFC 3414, 2.6)."""
        return self._digest(master + engine_id + master)

    def _digest(self, data: bytes) -> bytes:
        return hashlib.new(self._hash.name, data).digest()


class _Signer:
    """HMAC (RFC 2104) by a kept key: both of its hashes start with a block made of the key."""

    def __init__(self, key: bytes, hashed: _Hash) -> None:
        block = hashlib.new(hashed.name).block_size
        padded = int.from_bytes(key.ljust(block, b"\0"), "big")
        inner, outer = (
            (padded ^ int.from_bytes(bytes((pad,)) * block, "big")).to_bytes(block, "big")
            for pad in (0x36, 0x5C)
        )
        self._inner = hashlib.new(hashed.name, inner)
        self._outer = hashlib.new(hashed.name, outer)
        self._length = hashed.signature_length

    def signature(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()[: self._length]


class _Aes:
    """AES in CFB mode (RFC 3826).

    Each block of a key stream is the cipher text before it, encrypted: one run over a context of
    the block cipher that is kept decrypts a message in a third of the time of a fresh one.
    """

    def __init__(self, key: bytes) -> None:
        self._key = AES(key)
        self._blocks = Cipher(self._key, ECB()).encryptor()  # noqa: S305 - its part of CFB
        self._salts = itertools.count(int.from_bytes(os.urandom(_SALT_LENGTH - 1)))

    def encrypt(self, plain: bytes, boots: int, time_s: int) -> tuple[bytes, bytes]:
        salt = next(self._salts).to_bytes(_SALT_LENGTH, "big")
        start = _CLOCK.pack(boots, time_s) + salt
        return salt, Cipher(self._key, CFB(start)).encryptor().update(plain)

    def decrypt(self, secret: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
        length = len(secret)
        fed = _CLOCK.pack(boots, time_s) + salt + secret
        stream = self._blocks.update(fed[: length + -length % _AES_BLOCK])[:length]
        plain = int.from_bytes(secret, "big") ^ int.from_bytes(stream, "big")
        return plain.to_bytes(length, "big")


class _Des:
    """DES in CBC mode (RFC 3414, section 8)."""

    def __init__(self, key: bytes) -> None:
        self._key = TripleDES(key[:8] * 3)
        self._mask = key[8:16]
        self._salts = itertools.count(int.from_bytes(os.urandom(3)))

    def encrypt(self, plain: bytes, boots: int, _time_s: int) -> tuple[bytes, bytes]:
        salt = _CLOCK.pack(boots, next(self._salts) & 0xFFFFFFFF)
        padded = plain + bytes(-len(plain) % _DES_BLOCK)
        return salt, self._cipher(salt).encryptor().update(padded)

    def decrypt(self, secret: bytes, _boots: int, _time_s: int, salt: bytes) -> bytes:
        if len(secret) % _DES_BLOCK:
            raise ValueError("a cipher text that is not a multiple of the block size")
        return self._cipher(salt).decryptor().update(secret)

    def _cipher(self, salt: bytes) -> Cipher[CBC]:
        start = bytes(a ^ b for a, b in zip(self._mask, salt, strict=True))
        return Cipher(self._key, CBC(start))
