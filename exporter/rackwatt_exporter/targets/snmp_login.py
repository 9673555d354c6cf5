"""From a target's settings and the files of its secret to what lets us in at an SNMP agent.

Turning a password into a key takes a megabyte of hashing (RFC 3414, A.2) and a fleet shares a few
passwords: keys are kept, by a digest of the password, so that a new password makes a new key.
"""

import hashlib

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    KeyExpansion,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    SnmpVersion,
    User,
)
from gufo.snmp.user import KeyType

from rackwatt_exporter.protocols.snmp import Login
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.settings.options import SnmpOptions
from rackwatt_exporter.settings.secrets import Secrets

_SHORTEST_PASSWORD = 8
_COMMUNITY_VERSIONS = {"1": SnmpVersion.v1, "2c": SnmpVersion.v2c}
_AUTH: dict[str, type[BaseAuthKey]] = {
    "MD5": Md5Key,
    "SHA": Sha1Key,
    "SHA-224": Sha224Key,
    "SHA-256": Sha256Key,
    "SHA-384": Sha384Key,
    "SHA-512": Sha512Key,
}
_PRIVACY: dict[str, tuple[type[BasePrivKey], KeyExpansion]] = {
    "DES": (DesKey, KeyExpansion.Blumenthal),
    "AES": (Aes128Key, KeyExpansion.Blumenthal),
    "AES-192": (Aes192Key, KeyExpansion.Blumenthal),
    "AES-256": (Aes256Key, KeyExpansion.Blumenthal),
    "AES-192-C": (Aes192Key, KeyExpansion.Cisco),
    "AES-256-C": (Aes256Key, KeyExpansion.Cisco),
}


class Logins:
    """Makes logins from secrets, and keeps the keys that were costly to make."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._master_keys: dict[tuple[str, bytes], bytes] = {}

    def login(self, secret: str | None, options: SnmpOptions) -> Login:
        """Read a secret's files as they are now.

        Raises:
            ReadError: credentials_missing, naming the file that is missing or of no use.
        """
        if options.version != "3":
            community = self._text(secret, "community")
            return Login(_COMMUNITY_VERSIONS[options.version], community=community)
        auth = privacy = None
        expansion = KeyExpansion.Blumenthal
        if options.level != "noAuthNoPriv":
            key = self._master_key(secret, "authPassword", options.auth)
            auth = _AUTH[options.auth](key, KeyType.Master)
        if options.level == "authPriv":
            # RFC 3826, 1.2: the key of privacy too is made by the hash of authentication.
            key = self._master_key(secret, "privPassword", options.auth)
            kind, expansion = _PRIVACY[options.privacy]
            privacy = kind(key, KeyType.Master)
        name = self._text(secret, "username")
        user = User(name, auth_key=auth, priv_key=privacy, key_expansion=expansion)
        return Login(SnmpVersion.v3, user=user)

    def _text(self, secret: str | None, key: str) -> str:
        try:
            return self._secrets.read(secret, key).decode()
        except UnicodeDecodeError:
            raise _unusable(secret, key, "is not UTF-8 text") from None

    def _master_key(self, secret: str | None, key: str, auth: str) -> bytes:
        password = self._secrets.read(secret, key)
        if len(password) < _SHORTEST_PASSWORD:
            raise _unusable(secret, key, f"is shorter than {_SHORTEST_PASSWORD} bytes")
        place = auth, hashlib.sha256(password).digest()
        if place not in self._master_keys:
            self._master_keys[place] = _AUTH[auth].get_master_key(password)
        return self._master_keys[place]


def _unusable(secret: str | None, key: str, why: str) -> ReadError:
    return ReadError(Reason.CREDENTIALS_MISSING, f"{key} of secret {secret} {why}")
