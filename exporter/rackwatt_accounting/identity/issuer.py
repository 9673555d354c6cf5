"""Issuers of tokens: where their keys are, and which claim is the user's name.

Both fetch over httpx, without redirects: a redirect would leave the choice of keys to another
server.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from aiohttp import hdrs, web

from rackwatt_accounting.identity.keys import Keys, PublicKey, parse_keys
from rackwatt_accounting.identity.problem import unauthenticated
from rackwatt_accounting.identity.token import Expected, Verifier
from rackwatt_crds.accounting.identity import GrafanaIdentity, OidcIdentity
from rackwatt_crds.endpoints import parse_url
from rackwatt_crds.fields import ClientTls
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.reading import ReadError, Reason

GRAFANA_HEADER = "X-Grafana-Id"
_GRAFANA_KEYS = "/api/signing-keys/keys"
_DISCOVERY = "/.well-known/openid-configuration"
_SCHEME = "bearer "
_TIMEOUT_S = 5.0
_JSON = {"Accept": "application/json"}


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class Grafana:
    """Identification by the ID token that Grafana's data sources forward.

    The key proves which Grafana it is, so neither its issuer nor its audience is compared. Only
    tokens of people count: a service account has a login, too.
    """

    method = "grafana"

    def __init__(self, settings: GrafanaIdentity, secrets: Secrets) -> None:
        get = partial(_get, settings.tls, secrets)
        url = settings.url.rstrip("/") + _GRAFANA_KEYS
        keys = Keys(partial(_keys_at, get, url))
        self._verifier = Verifier(keys, Expected(("ES256",), ("jwt",)))

    async def name(self, request: web.Request) -> object:
        """Return the login in Grafana's token; None without a token.

        Raises:
            RefusedError: the token is invalid, or that of no person.
        """
        tokens = request.headers.getall(GRAFANA_HEADER, [])
        if not tokens:
            return None
        claims = await self._verifier.claims(_only(tokens, GRAFANA_HEADER))
        if claims.get("type") != "user":
            raise unauthenticated("no_person", "the token is not that of a person")
        return _claim(claims, "username")


class OpenIdConnect:
    """Identification by a bearer token of an OpenID Connect provider.

    OpenID Connect Discovery 1.0, section 4; RFC 6750, section 2.1.
    """

    method = "oidc"

    def __init__(self, settings: OidcIdentity, secrets: Secrets) -> None:
        get = partial(_get, settings.tls, secrets)
        keys = Keys(partial(_discovered_keys, get, settings.issuer))
        expected = Expected(issuer=settings.issuer, audience=settings.audience)
        self._verifier = Verifier(keys, expected)
        self._claim = settings.user_claim

    async def name(self, request: web.Request) -> object:
        """Return the user's claim of a bearer token; None without such a token.

        Raises:
            RefusedError: the token is invalid, or has no such claim.
        """
        given = request.headers.getall(hdrs.AUTHORIZATION, [])
        tokens = [one[len(_SCHEME) :] for one in given if one.lower().startswith(_SCHEME)]
        if not tokens:
            return None
        claims = await self._verifier.claims(_only(tokens, "Authorization").strip(" "))
        if self._claim == "email" and claims.get("email_verified") is not True:
            raise unauthenticated("email_unverified", "the token's e-mail address is not verified")
        return _claim(claims, self._claim)


def _only(tokens: Sequence[str], header: str) -> str:
    if len(tokens) > 1:
        raise unauthenticated("several_tokens", f"the header {header} is there twice")
    return tokens[0]


def _claim(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise unauthenticated("no_name", f"the token has no claim {name} that is a text")
    return value


async def _discovered_keys(get: Callable[[str], Any], issuer: str) -> Sequence[PublicKey]:
    body = await get(issuer.rstrip("/") + _DISCOVERY)
    try:
        found = msgspec.json.decode(body, type=_Discovery)
        parse_url(found.jwks_uri.partition("?")[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
        message = f"{issuer}{_DISCOVERY} is no document of OpenID Connect Discovery"
        raise ReadError(Reason.BAD_REPLY, message) from None
    if found.issuer != issuer:
        raise ReadError(Reason.BAD_REPLY, f"the issuer at {issuer} says that it is another")
    if issuer.startswith("https:") and not found.jwks_uri.startswith("https:"):
        raise ReadError(Reason.BAD_REPLY, f"the issuer {issuer} has its keys at no https URL")
    return await _keys_at(get, found.jwks_uri)


async def _keys_at(get: Callable[[str], Any], url: str) -> Sequence[PublicKey]:
    keys = parse_keys(await get(url))
    if not keys:
        raise ReadError(Reason.BAD_REPLY, f"{url} has no key that can be used")
    return keys


async def _get(tls: ClientTls | None, secrets: Secrets, url: str) -> bytes:
    """Read what a URL has now, over a connection of its own: it is rare."""
    options = merge_layers(TlsOptions, tls)
    client = HttpClient(url, partial(tls_parameters, options, secrets), _TIMEOUT_S)
    try:
        async with asyncio.timeout(2 * _TIMEOUT_S):
            response = await client.get("", _JSON)
    except TimeoutError:
        raise ReadError(Reason.TIMEOUT, f"{url} did not answer in time") from None
    finally:
        await client.close()
    if response.status != 200:
        raise ReadError(Reason.BAD_REPLY, f"{url} gives status {response.status}")
    return response.body
