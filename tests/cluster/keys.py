"""Credentials of a control plane and its clients: certificates, a signing key, tokens."""

import base64
import secrets
from collections.abc import Sequence
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.cluster import write_kubeconfig

MASTERS = "system:masters"


class Keys:
    """Files in a folder: `ca.crt`, `tls.crt` and `tls.key`, `accounts.key`, `tokens.csv`."""

    def __init__(self, directory: Path, url: str, names: Sequence[str]) -> None:
        """Make them for a server at a URL, which has these names and addresses."""
        self._directory = directory
        self._url = url
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(directory / "ca.crt")
        self._write("tls", self._authority.issue_cert(*names))
        (directory / "accounts.key").write_bytes(_signing_key())
        (directory / "tokens.csv").touch(mode=0o600)

    def client(self, name: str, group: str) -> None:
        """Create a client's certificate, NAME.crt and NAME.key, with its name and group."""
        # Go takes no certificate whose list of other names is empty.
        made = self._authority.issue_cert(name, common_name=name, organization_name=group)
        self._write(name, made)

    def user(self, name: str, group: str = "") -> Path:
        """Give a user a token, by which an API server started later knows it; write its kubeconfig."""
        token = secrets.token_hex(16)
        with (self._directory / "tokens.csv").open("a") as tokens:
            tokens.write(f'{token},{name},{name},"{group}"\n')
        path = self._directory / f"{name.replace(':', '.')}.kubeconfig"
        encoded = base64.b64encode(self._authority.cert_pem.bytes()).decode()
        cluster = {"server": self._url, "certificate-authority-data": encoded}
        write_kubeconfig(path, cluster, {"token": token})
        return path

    def _write(self, name: str, made: trustme.LeafCert) -> None:
        made.cert_chain_pems[0].write_to_path(self._directory / f"{name}.crt")
        key = self._directory / f"{name}.key"
        key.touch(mode=0o600)
        made.private_key_pem.write_to_path(key)


def _signing_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,  # the API server reads EC keys so alone
        serialization.NoEncryption(),
    )
