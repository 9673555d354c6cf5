"""Credentials for the pages of collectors with TLS, client certificates or a password.

The chart grants the operator no right on Secrets. It requests those that `spec.web` references.
Where it may not read them it sends no password and no certificate: the status says so, and
measuring and scraping work without.
"""

import asyncio
import base64
import binascii
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rackwatt_crds.memory_file import memory_file
from rackwatt_crds.web import Web, WebTls
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import SECRET, ObjectKey
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.web import server_name

_FRESH_S = 60.0


class AccessError(Exception):
    """The credentials cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """TLS context and headers of a request; empty for plain HTTP without a password."""

    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Accesses:
    """Credentials for the collectors of each resource, at most a minute old.

    `web` returns `spec.web` of a resource, and raises LookupError while that is not known.
    """

    def __init__(self, client: Client, web: Callable[[ObjectKey], Web | None]) -> None:
        self._client = client
        self._web = web
        self._known: dict[ObjectKey, tuple[float, Web, Access]] = {}

    def known(self, key: ObjectKey) -> bool:
        """Return whether `spec.web` of the resource is known, set or not."""
        try:
            self._web(key)
        except LookupError:
            return False
        return True

    async def access(self, key: ObjectKey) -> Access:
        """Return the credentials, from Secrets read at most a minute ago.

        Raises:
            AccessError: a Secret is missing, may not be read, or has invalid content.
        """
        web = self._web(key)
        if web is None:
            return Access()
        at_s, said, access = self._known.get(key, (-_FRESH_S, web, Access()))
        if said == web and _now_s() - at_s < _FRESH_S:
            return access
        headers = await self._headers(key.namespace, web)
        tls = await self._tls(key.namespace, web) if web.tls else None
        name = server_name(web, naming.base(key.kind, key.name), key.namespace)
        access = Access(tls, name if tls else None, headers)
        self._known[key] = _now_s(), web, access
        return access

    def forget(self, key: ObjectKey) -> None:
        """Read the Secrets again when they are needed next, as after a refusal."""
        self._known.pop(key, None)

    async def _headers(self, namespace: str, web: Web) -> Mapping[str, str]:
        if web.credentials is None:
            return {}
        secret = ObjectKey("Secret", namespace, web.credentials.secret_ref.name)
        data = await self._secret(secret)
        pair = ":".join(_key(secret, data, key) for key in ("username", "password"))
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    async def _tls(self, namespace: str, web: Web) -> ssl.SSLContext:
        """Make a context. One that cannot verify is good enough where no password is sent.

        A certificate may be shown to anyone: its key is not sent.
        """
        assert web.tls is not None  # noqa: S101 - called for TLS only
        try:
            skipped = web.tls.insecure_skip_verify
            made = _unverified() if skipped else await self._verified(namespace, web.tls)
        except AccessError:
            if web.credentials is not None:
                raise
            made = _unverified()
        if web.tls.client_secret_ref is not None:
            secret = ObjectKey("Secret", namespace, web.tls.client_secret_ref.name)
            _show(made, secret, await self._secret(secret))
        return made

    async def _verified(self, namespace: str, tls: WebTls) -> ssl.SSLContext:
        authorities = None
        if tls.ca_secret_ref is not None:
            secret = ObjectKey("Secret", namespace, tls.ca_secret_ref.name)
            authorities = _key(secret, await self._secret(secret), "ca.crt")
        try:
            context = ssl.create_default_context(cadata=authorities)
        except (ssl.SSLError, ValueError):
            raise AccessError(f"{secret}: ca.crt holds no certificates in PEM") from None
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # few certificates have all of RFC 5280
        return context

    async def _secret(self, secret: ObjectKey) -> Mapping[str, str]:
        try:
            found = await self._client.get(SECRET.path(secret.namespace, secret.name))
        except ApiError as error:
            raise AccessError(_message(secret, error)) from None
        data: Mapping[str, str] = found.get("data") or {}
        return data


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, secret: ObjectKey, data: Mapping[str, str]) -> None:
    """Load the client certificate of a Secret, and its key, into a context."""
    certificate, key = (_key(secret, data, name).encode() for name in ("tls.crt", "tls.key"))
    with memory_file(certificate) as chain, memory_file(key) as private:
        try:
            context.load_cert_chain(chain, private, password="")  # never from the terminal
        except (ssl.SSLError, ValueError):
            message = f"{secret}: tls.crt and tls.key are no certificate and its key, in PEM"
            raise AccessError(message) from None


def _key(secret: ObjectKey, data: Mapping[str, str], key: str) -> str:
    try:
        return base64.b64decode(data[key]).decode().rstrip("\r\n")
    except KeyError:
        raise AccessError(f"{secret} has no key {key}: add it") from None
    except (binascii.Error, UnicodeDecodeError):
        raise AccessError(f"{secret}: {key} is no text in UTF-8") from None


def _message(secret: ObjectKey, error: ApiError) -> str:
    if error.status == 404:
        return f"{secret}, which spec.web references, does not exist: create it"
    if error.forbidden:
        return (
            f"the operator may not read {secret}, which spec.web references: grant it `get` on "
            "it (docs/operator.md#tls-and-passwords). Measuring and scraping work without it"
        )
    return f"{secret}: {error}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
