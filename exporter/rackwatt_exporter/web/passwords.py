"""Verification of passwords against bcrypt hashes, in another thread and one at a time.

bcrypt is slow on purpose. A correct password is remembered as a keyed digest, so that a scrape
costs nothing. A wrong one is not, so that an unknown user takes as long as a known one.
"""

import asyncio
import hashlib
import os
from collections.abc import Mapping

MAX_PENDING = 16
_MAX_BYTES = 72  # bcrypt reads no more; htpasswd and Go truncate as well


class TooManyPendingError(Exception):
    """Too many passwords wait for verification."""


class PasswordVerifier:
    """Verifier of users' passwords."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name.encode(): hashed.encode() for name, hashed in users.items()}
        cost = max((hashed[4:6] for hashed in self._users.values()), default=b"10")
        self._dummy_hash = b"$2b$" + cost + b"$" + b"." * 53  # as slow, matches nothing
        self._seed = os.urandom(32)
        self._verified: set[bytes] = set()
        self._checking: dict[bytes, asyncio.Task[bool]] = {}
        self._lock = asyncio.Lock()

    async def verify(self, name: bytes, password: bytes) -> bool:
        """Return whether this is the user's password.

        Raises:
            TooManyPendingError: the client should retry later.
        """
        hashed, password = self._users.get(name, self._dummy_hash), password[:_MAX_BYTES]
        digest = hashlib.blake2b(hashed + password, key=self._seed).digest()
        if digest in self._verified:
            return True
        checking = self._checking.get(digest)
        if checking is None:
            if len(self._checking) >= MAX_PENDING:
                raise TooManyPendingError
            checking = asyncio.create_task(self._check(password, hashed, digest))
            self._checking[digest] = checking
        return await asyncio.shield(checking) and name in self._users

    async def _check(self, password: bytes, hashed: bytes, digest: bytes) -> bool:
        try:
            async with self._lock:
                matches = await asyncio.to_thread(_matches, password, hashed)
        finally:
            del self._checking[digest]
        if matches and hashed is not self._dummy_hash:
            self._verified.add(digest)
        return matches


def _matches(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # most exporters have no users

    return bcrypt.checkpw(password, hashed)
