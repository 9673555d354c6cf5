"""Where the API server is, and who we are there: a pod's service account, or a kubeconfig.

The official client reads both, with whatever ways to log in people have in a kubeconfig. Of it we
use this part alone: its API classes cost 30 MiB, and plain dicts need none of them.
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
"""What the client runs into where it is given a file of another kind."""

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
Middleware = Callable[[aiohttp.ClientRequest, Handler], Awaitable[aiohttp.ClientResponse]]


class CredentialsError(Exception):
    """There is no way to an API server; the message says what a person can do."""


class ClusterCredentials:
    """One way in. Sessions it has opened go on with whatever `renew` finds later."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._configuration: Any = None
        self._tls: ssl.SSLContext
        self.namespace = "default"
        """The one that is our own, or that the kubeconfig has chosen."""

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host).rstrip("/")

    @property
    def path(self) -> str:
        """The path the API server is under; empty, unless a proxy serves several clusters."""
        return URL(self.server).path.rstrip("/")

    async def renew(self) -> None:
        """Read who we are: as the kubeconfig that is named, as this pod, or as the user's own.

        Raises:
            LoginError: none of them can be had.
        """
        configuration = Configuration()
        try:
            if self._kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                self.namespace = _as_pod(configuration)
            else:
                self.namespace = await _by_kubeconfig(configuration, self._kubeconfig)
            self._tls = _trust(configuration)
        except (config.ConfigException, OSError) as error:
            raise self._told(str(error)) from None
        except _NO_KUBECONFIG as error:
            told = str(error).partition("\n")[0]
            raise self._told(f"this is no kubeconfig ({told})") from None
        finally:
            _forget_files()
        self._configuration = configuration

    def _told(self, why: str) -> CredentialsError:
        where = self._kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
        return CredentialsError(f"no way to an API server, neither as a pod nor by {where}: {why}")

    def session(self, *heard: Middleware) -> aiohttp.ClientSession:
        """Open a session that says who we are with every request; it is the caller's to close.

        `heard` are middlewares of the caller's own.
        """
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._tls),
            headers={"User-Agent": USER_AGENT},
            middlewares=(self._authorise, *heard),
            proxy=self._configuration.proxy,
        )

    async def _authorise(
        self, request: aiohttp.ClientRequest, handler: Handler
    ) -> aiohttp.ClientResponse:
        """Add the token as it is now: a service account's is replaced every hour."""
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


def _forget_files() -> None:
    """Remove the files by which the client hands a kubeconfig's key to TLS: it has been read."""
    forget: Any = kube_config._cleanup_temp_files
    forget()


def _as_pod(configuration: Any) -> str:
    load: Any = config.load_incluster_config
    load(configuration)
    return _NAMESPACE.read_text().strip()


async def _by_kubeconfig(configuration: Any, kubeconfig: Path | None) -> str:
    _hold_there(kubeconfig)
    load: Any = config.load_kube_config
    file = str(kubeconfig) if kubeconfig else None
    loader = await load(file, client_configuration=configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def _hold_there(kubeconfig: Path | None) -> None:
    """Refuse a file that is not there: the client would take it for an empty one."""
    if kubeconfig and not kubeconfig.exists():
        raise FileNotFoundError(f"there is no {kubeconfig}")
