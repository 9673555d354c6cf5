"""URL of the API server, and the token and certificates for it.

In a pod they are where Kubernetes puts them for every client: the address in the environment, a
token and the authority in files. The kubelet replaces the token before it expires, and each request
reads it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rackwatt_crds.schedulers.kubernetes import Kubernetes
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.tls import TlsParameters
from rackwatt_exporter.reading import ReadError, Reason

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST, _PORT = "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"


@dataclass(frozen=True, slots=True)
class ApiServer:
    """An API server. `token` and `tls` are called for each request and each connection.

    Both raise ReadError credentials_missing; `token` returns None where a certificate is all.
    """

    url: str
    token: Callable[[], str | None]
    tls: Callable[[], TlsParameters]


def api_server(
    settings: Kubernetes,
    secrets: Secrets,
    environment: Mapping[str, str] = os.environ,
    directory: Path = SERVICE_ACCOUNT,
) -> ApiServer:
    """Return the API server that a document names, or that of the cluster of this pod."""
    if settings.url is None:
        host, port = environment.get(_HOST, ""), environment.get(_PORT, "443")
        url = f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""
        return ApiServer(url, partial(_pod_token, directory), partial(_pod_tls, directory))
    ref, tls = settings.token_secret_ref, merge_layers(TlsOptions, settings.tls)
    token = partial(_secret_token, secrets, ref.name, ref.key) if ref else lambda: None
    return ApiServer(settings.url.rstrip("/"), token, partial(tls_parameters, tls, secrets))


def _pod_token(directory: Path) -> str:
    path = directory / "token"
    try:
        return _checked(path.read_bytes(), str(path))
    except OSError as error:
        raise _missing(path, error) from None


def _pod_tls(directory: Path) -> TlsParameters:
    path = directory / "ca.crt"
    try:
        path.stat()
    except OSError as error:
        raise _missing(path, error) from None
    return TlsParameters(authorities=path)


def _secret_token(secrets: Secrets, secret: str, key: str) -> str:
    return _checked(secrets.read(secret, key), f"{key} of secret {secret}")


def _checked(token: bytes, where: str) -> str:
    token = token.strip()
    if not token or not all(0x21 <= byte < 0x7F for byte in token):
        raise ReadError(Reason.CREDENTIALS_MISSING, f"{where} does not hold a token")
    return token.decode()


def _missing(path: Path, error: OSError) -> ReadError:
    message = (
        f"{path}: {error.strerror}. In a pod the operator mounts it; elsewhere kubernetes.url and "
        "kubernetes.tokenSecretRef must name an API server and a token"
    )
    return ReadError(Reason.CREDENTIALS_MISSING, message)
