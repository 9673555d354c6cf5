"""URL and credentials of the API server: a pod's service account, or a kubeconfig.

The official client reads both, with every authentication method of a kubeconfig. Only this part of
it is used: its API classes cost 30 MiB, and plain dicts need none of them.
"""

import os
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import kube_config
from yarl import URL

from rackwatt_operator import __version__

USER_AGENT = f"rackwatt-operator/{__version__}"
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_NO_KUBECONFIG = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError)
"""Errors of the client for a file that is not a kubeconfig."""

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
Middleware = Callable[[aiohttp.ClientRequest, Handler], Awaitable[aiohttp.ClientResponse]]


class CredentialsError(Exception):
    """No credentials for an API server; the message says what to do."""


class ClusterCredentials:
    """One identity. Open sessions use what `renew` reads later."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._configuration: Any = None
        self._tls: ssl.SSLContext
        self.namespace = "default"
        """Namespace of this pod, or of the kubeconfig's current context."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host).rstrip("/")

    @property
    def path(self) -> str:
        """Path prefix of the API server; empty unless a proxy serves several clusters."""
        return URL(self.server).path.rstrip("/")

    async def renew(self) -> None:
        """Read the credentials: from the given kubeconfig, of this pod, or the user's kubeconfig.

        Raises:
            CredentialsError: none of them can be read.
        """
        configuration = Configuration()
        try:
            if self._kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                self.namespace = _as_pod(configuration)
            else:
                self.namespace = await _by_kubeconfig(configuration, self._kubeconfig)
            self._tls = _trust(configuration)
        except (config.ConfigException, OSError) as error:
            raise self._error(str(error)) from None
        except _NO_KUBECONFIG as error:
            message = str(error).partition("\n")[0]
            raise self._error(f"this is not a kubeconfig ({message})") from None
        finally:
            _delete_temporary_files()
        self._configuration = configuration

    def _error(self, why: str) -> CredentialsError:
        where = self._kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        return CredentialsError(
            f"no credentials for an API server, neither of a pod nor in {where}: {why}"
        )

    def session(self, *middlewares: Middleware) -> aiohttp.ClientSession:
        """Open a session that authenticates every request; the caller closes it.

        `middlewares` are called after authentication.
        """
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls),
            headers={"User-Agent": USER_AGENT},
            middlewares=(self._authorise, *middlewares),
            proxy=self._configuration.proxy,
        )

    async def _authorise(
        self, request: aiohttp.ClientRequest, handler: Handler
    ) -> aiohttp.ClientResponse:
        """Add the current token: a service account's is rotated every hour."""
        request.server_hostname = self._configuration.tls_server_name
        if token := await self._configuration.get_api_key_with_prefix("BearerToken"):
            request.headers["Authorization"] = token
        return await handler(request)


def _trust(settings: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    if not settings.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _delete_temporary_files() -> None:
    """Delete the temporary files with the kubeconfig's key: TLS has read them."""
    cleanup: Any = kube_config._cleanup_temp_files
    cleanup()


def _as_pod(configuration: Any) -> str:
    load: Any = config.load_incluster_config
    load(configuration)
    return _NAMESPACE.read_text().strip()


async def _by_kubeconfig(configuration: Any, kubeconfig: Path | None) -> str:
    _require_file(kubeconfig)
    load: Any = config.load_kube_config
    file = str(kubeconfig) if kubeconfig else None
    loader = await load(file, client_configuration=configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def _require_file(kubeconfig: Path | None) -> None:
    """Raise for a missing file: the client would read it as an empty one."""
    if kubeconfig and not kubeconfig.exists():
        raise FileNotFoundError(f"{kubeconfig} does not exist")
