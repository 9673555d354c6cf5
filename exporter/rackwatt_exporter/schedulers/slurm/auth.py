"""Tokens that slurmrestd and slurmctld accept: made from Slurm's own key, or made by others.

Slurm's auth/jwt takes a JSON Web Token (RFC 7519) signed HS256 over the file that slurm.conf names
as jwt_key, byte for byte, with the claims `sun` (the Slurm user), `iat` and `exp`.
"""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S
from rackwatt_exporter.schedulers.slurm.options import SlurmHttpOptions

LIFE_S = 3600
RENEWED_AFTER = 0.8  # of its life
Claims = Sequence[tuple[str, str]]
_HEADER = {"alg": "HS256", "typ": "JWT"}


class TokenTimes(NamedTuple):
    """When a token was issued and when it expires (Unix times); None where it does not say."""

    issued_at_s: int | None = None
    expires_at_s: int | None = None


class TokenSource(Protocol):
    """Where tokens come from."""

    def get(self) -> str:
        """Give one that is good now; raises ReadError credentials_missing."""
        ...

    def invalidate(self) -> None:
        """Use the last one no more: slurmrestd refused it."""
        ...


def token(options: SlurmHttpOptions, secrets: Secrets) -> TokenSource | None:
    """Choose by what the document gives; None where something else authenticates."""
    if options.jwt_key is not None:
        return SignedToken(options.jwt_key, options.user or "", secrets, claims=options.claims)
    return FileToken(options.token, secrets) if options.token is not None else None


def sign_jwt(key: bytes, user: str, now_s: float, life_s: int = LIFE_S, more: Claims = ()) -> str:
    """Make a token out to a user, good from now (seconds since the epoch) for its life."""
    issued_s = int(now_s)
    claims = {**dict(more), "sun": user, "iat": issued_s, "exp": issued_s + life_s}
    signed = _base64(json.dumps(_HEADER).encode()) + b"." + _base64(json.dumps(claims).encode())
    return (signed + b"." + _base64(hmac.digest(key, signed, "sha256"))).decode()


def token_times(token: str) -> TokenTimes:
    """Read the times of a token; a text that is no JSON Web Token has none."""
    payload = token.split(".")[1:2]
    try:
        claims = json.loads(base64.urlsafe_b64decode(f"{payload[0]}==")) if payload else None
    except (ValueError, RecursionError):
        return TokenTimes()
    if not isinstance(claims, dict):
        return TokenTimes()
    return TokenTimes(_time_s(claims.get("iat")), _time_s(claims.get("exp")))


def first_to_expire(tokens: Iterable[str]) -> TokenTimes:
    """Return the times of the token that expires first; where none says so, of the last one."""
    times = [TokenTimes(), *map(token_times, tokens)]
    known = [one for one in times if one.expires_at_s is not None]
    return min(known, key=lambda one: one.expires_at_s or 0, default=times[-1])


def expired(error: ReadError, times: TokenTimes, now_s: float) -> ReadError:
    """Return the error of a refused log-in, which says when the token expired if it has."""
    if times.expires_at_s is None or times.expires_at_s > now_s:
        return error
    at = datetime.fromtimestamp(times.expires_at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ReadError(error.reason, f"the token expired at {at}: {error}", remedy=error.remedy)


def _time_s(value: Any) -> int | None:
    """Return a NumericDate (RFC 7519, 2), which may have a fraction."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 1 <= value <= MAX_TIME_S else None


class SignedToken:
    """Tokens made from the key; the key is read again for each, and so may rotate."""

    def __init__(
        self,
        key: SecretKey,
        user: str,
        secrets: Secrets,
        clock: Callable[[], float] = time.time,
        claims: Claims = (),
    ) -> None:
        self._claims = claims
        self._key = key
        self._user = user
        self._secrets = secrets
        self._clock = clock
        self._token = ""
        self._renew_at_s = 0.0

    def get(self) -> str:
        """Give the token, a new one when it has lived for most of its life.

        Raises:
            ReadError: credentials_missing.
        """
        now_s = self._clock()
        if not self._token or now_s >= self._renew_at_s:
            self._token = sign_jwt(self._read(), self._user, now_s, more=self._claims)
            self._renew_at_s = now_s + RENEWED_AFTER * LIFE_S
        return self._token

    def invalidate(self) -> None:
        """Make a new one next time: the key may have been rotated."""
        self._token = ""

    def _read(self) -> bytes:
        path = self._secrets.path(self._key.secret, self._key.key)
        try:
            key = path.read_bytes()  # not Secrets.read: a newline at the end is part of the key
        except OSError as error:
            raise ReadError(Reason.CREDENTIALS_MISSING, f"{path}: {error.strerror}") from None
        if not key:
            raise ReadError(Reason.CREDENTIALS_MISSING, f"{path} is empty: it must be Slurm's key")
        return key


class FileToken:
    """A token that others make and renew; the file is read at each use."""

    def __init__(self, key: SecretKey, secrets: Secrets) -> None:
        self._key = key
        self._secrets = secrets

    def get(self) -> str:
        """Return the token in the file, with or without scontrol's `SLURM_JWT=` before it.

        Raises:
            ReadError: credentials_missing.
        """
        content = self._secrets.read(self._key.secret, self._key.key).strip()
        token = content.removeprefix(b"SLURM_JWT=")
        if not token or not all(0x21 <= byte < 0x7F for byte in token):
            message = f"{self._key.key} of secret {self._key.secret} does not hold a token"
            raise ReadError(Reason.CREDENTIALS_MISSING, message)
        return token.decode()

    def invalidate(self) -> None:
        """Do nothing: the file is read at every request."""


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
