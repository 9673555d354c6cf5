"""Passwords against their bcrypt hashes: off the event loop, one at a time, each right one once.

bcrypt is slow on purpose. What was right is remembered (as a keyed digest, never as itself), so
that a scrape costs nothing; what was wrong is not, so that an unknown name takes as long as a known
one.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping

MOST_WAITING = 16
_MOST_BYTES = 72  # bcrypt reads no more; htpasswd and Go cut the rest off as well


class TooManyError(Exception):
    """So many passwords wait to be checked that this one would wait too long."""


class Passwords:
    """Users, and the hashes of their passwords."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = {name.encode(): kept.encode() for name, kept in users.items()}
        cost = max((kept[4:6] for kept in self._users.values()), default=b"10")
        self._nobodys = b"$2b$" + cost + b"$" + b"." * 53  # as slow as any, and no password has it
        self._seed = secrets.token_bytes(32)
        self._right: set[bytes] = set()
        self._checking: dict[bytes, asyncio.Task[bool]] = {}
        self._turn = asyncio.Lock()

    async def right(self, name: bytes, password: bytes) -> bool:
        """Tell whether this is the user's password.

        Raises:
            TooManyError: try again later.
        """
        kept, password = self._users.get(name, self._nobodys), password[:_MOST_BYTES]
        mark = hashlib.blake2b(kept + password, key=self._seed).digest()
        if mark in self._right:
            return True
        checking = self._checking.get(mark)
        if checking is None:
            if len(self._checking) >= MOST_WAITING:
                raise TooManyError
            checking = asyncio.create_task(self._check(password, kept, mark))
            self._checking[mark] = checking
        return await asyncio.shield(checking) and name in self._users

    async def _check(self, password: bytes, kept: bytes, mark: bytes) -> bool:
        try:
            async with self._turn:
                right = await asyncio.to_thread(_fits, password, kept)
        finally:
            del self._checking[mark]
        if right and kept is not self._nobodys:
            self._right.add(mark)
        return right


def _fits(password: bytes, kept: bytes) -> bool:
    import bcrypt  # most exporters have no users

    return bcrypt.checkpw(password, kept)
