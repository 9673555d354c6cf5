"""Credentials of SNMP agents, from a target's settings and the files of its Secret.

Deriving a key from a password hashes a megabyte (RFC 3414, A.2), and a fleet shares a few
passwords: keys are cached by a digest of the password, so that a new password has a new key.
"""

import hashlib

from rackwatt_exporter.config.options import SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.snmp.keys import User, master_key
from rackwatt_exporter.protocols.snmp.message import V1, V2C
from rackwatt_exporter.protocols.snmp.session import Login
from rackwatt_exporter.reading import ReadError, Reason

_MIN_PASSWORD = 8
_COMMUNITY_VERSIONS = {"1": V1, "2c": V2C}


class CredentialStore:
    """Reads logins from secrets, and caches the keys derived from passwords."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._master_keys: dict[tuple[str, bytes], bytes] = {}

    def login(self, secret: str | None, options: SnmpOptions) -> Login:
        """Read a secret's files as they are now.

        Raises:
            ReadError: credentials_missing, naming the file that is missing or unusable.
        """
        if options.version != "3":
            return _COMMUNITY_VERSIONS[options.version], self._text(secret, "community").encode()
        auth = privacy = b""
        if options.level != "noAuthNoPriv":
            auth = self._master_key(secret, "authPassword", options.auth)
        if options.level == "authPriv":
            # RFC 3826, 1.2: the privacy key, too, is derived with the hash of authentication.
            privacy = self._master_key(secret, "privPassword", options.auth)
        name = self._text(secret, "username").encode()
        return User(name, options.auth, auth, options.privacy, privacy)

    def _text(self, secret: str | None, key: str) -> str:
        try:
            return self._secrets.read(secret, key).decode()
        except UnicodeDecodeError:
            raise _unusable(secret, key, "is not UTF-8 text") from None

    def _master_key(self, secret: str | None, key: str, auth: str) -> bytes:
        password = self._secrets.read(secret, key)
        if len(password) < _MIN_PASSWORD:
            raise _unusable(secret, key, f"is shorter than {_MIN_PASSWORD} bytes")
        cache_key = auth, hashlib.sha256(password).digest()
        if cache_key not in self._master_keys:
            self._master_keys[cache_key] = master_key(auth, password)
        return self._master_keys[cache_key]


def _unusable(secret: str | None, key: str, why: str) -> ReadError:
    return ReadError(Reason.CREDENTIALS_MISSING, f"{key} of secret {secret} {why}")
