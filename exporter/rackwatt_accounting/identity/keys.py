"""Public keys of an issuer of tokens: fetched, kept, and fetched again when they rotate.

A key is looked up by the id in a token, which anybody can make up: so an unknown id leads to one
request in `_BETWEEN_S` at most, however many tokens come. Where the issuer does not answer, the
last keys hold for KEPT_S: people go on working, and a withdrawn key does not live for ever.

RFC 7517, "JSON Web Key (JWK)", sections 4 and 5.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from rackwatt_accounting.identity.problem import RefusedError, unauthenticated
from rackwatt_exporter.reading import ReadError, Reason

log = logging.getLogger(__name__)

FRESH_S = 15 * 60
"""Age at which keys are fetched again: a key that was withdrawn is not accepted for longer."""
KEPT_S = 24 * 3600
"""How long the last keys hold where the issuer does not answer."""
_BETWEEN_S = 30.0
_SMALLEST_RSA = 2048
_MAX_KEYS = 100

PublicKey: TypeAlias = ECKey | RSAKey | OKPKey


class _KeySet(msgspec.Struct):
    keys: list[dict[str, Any]] | None = None


class Keys:
    """The keys of one issuer. `fetch` reads them and raises ReadError."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Sequence[PublicKey]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Sequence[PublicKey] = ()
        self._fetched_s = self._tried_s = float("-inf")
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str | None) -> PublicKey:
        """Return the key with an id; without one, the only key.

        Raises:
            RefusedError: there is no such key, or the issuer has not answered for too long.
        """
        if self._clock() - self._fetched_s >= FRESH_S:
            await self._refresh()
        found = self._found(key_id)
        if found is None:
            await self._refresh()
            found = self._found(key_id)
        if self._clock() - self._fetched_s >= KEPT_S:
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE, "keys_unavailable", "the issuer has given no keys"
            )
        if found is None:
            raise unauthenticated(
                "unknown_key", "the token is signed by a key that the issuer does not have"
            )
        return found

    def _found(self, key_id: str | None) -> PublicKey | None:
        fitting = [key for key in self._keys if key_id is None or key.kid == key_id]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; those who come meanwhile wait."""
        async with self._fetching:
            if self._clock() - self._tried_s < _BETWEEN_S:
                return
            self._tried_s = self._clock()
            try:
                self._keys = await self._fetch()
            except ReadError as error:
                log.warning("keys of an issuer of tokens could not be read: %s", error)
            else:
                self._fetched_s = self._clock()


def parse_keys(body: bytes) -> Sequence[PublicKey]:
    """Parse a JWK Set: public keys for signatures, of asymmetric algorithms.

    Others are left out: a key of another kind, a weak one, and one whose private half is there.

    Raises:
        ReadError: bad_reply, where it is no JWK Set.
    """
    try:
        entries = msgspec.json.decode(body, type=_KeySet).keys or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ReadError(Reason.BAD_REPLY, "the keys of the issuer are no JWK Set") from None
    keys = (_public_key(entry) for entry in entries[:_MAX_KEYS])
    return [key for key in keys if key is not None]


def _public_key(entry: dict[str, Any]) -> PublicKey | None:
    if entry.get("kty") not in ("EC", "RSA", "OKP") or entry.get("use", "sig") != "sig":
        return None
    # By its digits, before it is imported: the library only warns.
    if entry["kty"] == "RSA" and len(str(entry.get("n", ""))) * 6 < _SMALLEST_RSA:
        return None
    try:
        key = JWKRegistry.import_key(entry)
        if not isinstance(key, ECKey | RSAKey | OKPKey) or key.is_private:
            return None
        key.check_key_op("verify")
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return key
