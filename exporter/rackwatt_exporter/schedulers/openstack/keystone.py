"""Keystone: the token that every service requires, and the catalog of services.

Identity API v3, `POST /v3/auth/tokens`: the token is in a header of the response, its catalog and
its life in the body. A token is renewed before it expires; its life is a difference of two times of
Keystone, so that a clock of ours that is wrong does not matter.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.protocols.http.error_words import error_words
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.openstack.catalog import Catalog, CatalogService
from rackwatt_exporter.schedulers.openstack.errors import malformed, refusal
from rackwatt_exporter.schedulers.openstack.options import OpenstackOptions, PasswordOptions

RENEWED_AFTER = 0.8  # of the token's life
_PATH = "/auth/tokens"
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_WHAT = "Keystone's response"


class Token(NamedTuple):
    """A token, what it gives access to, and how long it lives."""

    text: str
    catalog: Catalog
    life_s: float


class _Body(msgspec.Struct):
    expires_at: str
    issued_at: str
    catalog: tuple[CatalogService, ...] = ()


class _Reply(msgspec.Struct):
    token: _Body


_REPLY = msgspec.json.Decoder(_Reply)


class Keystone:
    """A user's log-in to one Keystone; the Secret is read again for each token."""

    def __init__(
        self,
        options: OpenstackOptions,
        secrets: Secrets,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._login = options.login
        self._secrets = secrets
        self._client = HttpClient(
            options.auth_url, partial(tls_parameters, options.tls, secrets), timeout_s
        )
        self._clock = clock
        self._token: Token | None = None
        self._renew_at_s = 0.0

    async def token(self) -> Token:
        """Return a valid token.

        Raises:
            ReadError: auth_failed, credentials_missing, bad_reply, and those of `HttpClient.get`.
        """
        if self._token is None or self._clock() >= self._renew_at_s:
            self._token = None
            issued_s = self._clock()
            self._token = await self._issue()
            self._renew_at_s = issued_s + RENEWED_AFTER * self._token.life_s
        return self._token

    def refused(self, token: Token) -> None:
        """Discard a token that a service did not accept, such as a revoked one."""
        if self._token is token:
            self._token = None

    async def get(self, path: str) -> HttpResponse:
        """Send a GET request to Keystone itself."""
        token = await self.token()
        return await self._client.get(path, {"X-Auth-Token": token.text, **_HEADERS})

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _issue(self) -> Token:
        body = msgspec.json.encode({"auth": self._authentication()})
        response = await self._client.post(_PATH, _HEADERS, body)
        if response.status != 201:
            raise _rejected(response)
        try:
            reply = _REPLY.decode(response.body).token
            life = _time(reply.expires_at) - _time(reply.issued_at)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise malformed(response.body, _WHAT, error) from None
        text = response.headers.get("x-subject-token", "")
        if not text:
            raise ReadError(Reason.BAD_REPLY, f"{_WHAT} has no header X-Subject-Token")
        return Token(text, reply.catalog, life.total_seconds())

    def _authentication(self) -> Mapping[str, Any]:
        """Return the identity and scope of a log-in (Identity API v3)."""
        login = self._login
        if not isinstance(login, PasswordOptions):
            names = ("application_credential_id", "application_credential_secret")
            number, secret = (self._read(name) for name in names)
            method = "application_credential"
            return {"identity": {"methods": [method], method: {"id": number, "secret": secret}}}
        user = {
            "name": self._read("username"),
            "domain": {"name": login.user_domain_name},
            "password": self._read("password"),
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        return {"identity": identity, "scope": _scope(login)}

    def _read(self, key: str) -> str:
        secret = self._secrets.read(self._login.secret, key)
        try:
            return secret.decode()
        except UnicodeDecodeError:
            message = f"Secret {self._login.secret}, key {key}: it must be UTF-8"
            raise ReadError(Reason.CREDENTIALS_MISSING, message) from None


def _scope(login: PasswordOptions) -> Mapping[str, Any]:
    if login.project_name is None:
        return {"system": {"all": True}}
    domain = {"name": login.project_domain_name}
    return {"project": {"name": login.project_name, "domain": domain}}


def _rejected(response: HttpResponse) -> ReadError:
    if response.status == 401:
        message = (
            "Keystone rejects the log-in: check user, password or application credential, domains, "
            "and that the user has a role in the project or system scope"
        )
        words = error_words(response.body)
        return ReadError(Reason.AUTH_FAILED, f"{message}{words and f' ({words})'}")
    return refusal(response, f"{_PATH} of Keystone (authURL)")


def _time(text: str) -> datetime:
    """Parse a time in ISO 8601; without an offset it is UTC."""
    time_ = datetime.fromisoformat(text)
    return time_ if time_.tzinfo else time_.replace(tzinfo=UTC)
