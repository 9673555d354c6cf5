"""Signed tokens (JWT): what has to hold before a claim of one counts.

The algorithms are a fixed list of asymmetric ones: with `none`, or with HMAC keyed by a public key,
anybody could sign. The key is found by its id alone; keys and URLs within a token are not looked
at. The claims `exp` and, where the issuer is named, `iss` and `aud` are required.

RFC 7519, "JSON Web Token", section 7.2; RFC 8725, "JSON Web Token Best Current Practices".
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError

from rackwatt_accounting.identity.keys import Keys, PublicKey
from rackwatt_accounting.identity.problem import unauthenticated

ALGORITHMS = (
    "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "Ed25519",
    "EdDSA",
)  # fmt: skip
SKEW_S = 60
"""How far the clocks of the issuer and of this machine may differ."""
_MAX_TOKEN = 16 * 1024
_MAX_KEY_ID = 500


class Expected(NamedTuple):
    """What a token has to be; `types` are values of `typ` in lower case, empty where absent."""

    algorithms: tuple[str, ...] = ALGORITHMS
    types: tuple[str, ...] = ("", "jwt", "at+jwt")
    issuer: str | None = None
    audience: str | None = None


class Verifier:
    """Verifies the tokens of one issuer."""

    def __init__(
        self, keys: Keys, expected: Expected, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock

    async def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token.

        Raises:
            RefusedError: the token is invalid, expired, or for another audience.
        """
        key_id = self._key_id(token)
        key = await self._keys.find(key_id)
        try:
            claims = _decoded(token, key, self._expected.algorithms)
            self._registry().validate(claims)
        except ExpiredTokenError:
            raise unauthenticated("token_expired", "the token has expired") from None
        except BadSignatureError:
            raise unauthenticated("bad_signature", "the signature does not match") from None
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise _invalid(error) from None
        return claims

    def _key_id(self, token: str) -> str | None:
        """Return the id of the key from the header of a token, which nothing vouches for yet."""
        if len(token) > _MAX_TOKEN or not token.isascii():
            raise unauthenticated("bad_token", "the token is too long, or not ASCII")
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _invalid(error) from None
        algorithm, kind, key_id = header.get("alg"), header.get("typ", ""), header.get("kid")
        if algorithm not in self._expected.algorithms:
            raise unauthenticated("bad_algorithm", "the token's algorithm is not accepted")
        if not isinstance(kind, str) or kind.lower() not in self._expected.types:
            raise unauthenticated("bad_type", "the token is of another type")
        if key_id is not None and (not isinstance(key_id, str) or len(key_id) > _MAX_KEY_ID):
            raise unauthenticated("bad_token", "the token's key id is no text")
        return key_id

    def _registry(self) -> jwt.JWTClaimsRegistry:
        required: dict[str, jwt.ClaimsOption] = {"exp": {"essential": True}}
        if self._expected.issuer is not None:
            required["iss"] = {"essential": True, "value": self._expected.issuer}
        if self._expected.audience is not None:
            required["aud"] = {"essential": True, "value": self._expected.audience}
        return jwt.JWTClaimsRegistry(now=int(self._clock()), leeway=SKEW_S, **required)


def _decoded(token: str, key: PublicKey, algorithms: tuple[str, ...]) -> dict[str, Any]:
    """Verify the signature; a key that names its algorithm is used with no other."""
    registry = jws.JWSRegistry(algorithms=list(algorithms))
    decoded = jwt.decode(token, key, registry=registry)
    key.check_alg(decoded.header["alg"])
    return decoded.claims


def _invalid(error: Exception) -> Exception:
    """Refuse a token by the kind of its fault: messages of the library may quote the token."""
    word = getattr(error, "error", "") or "malformed"
    return unauthenticated("bad_token", f"the token is invalid: {word}")
