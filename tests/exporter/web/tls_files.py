"""Files of a web configuration: certificates of a test authority, and users."""

from pathlib import Path

import pytest
import trustme
import yaml

from rackwatt_exporter.web.web_config_file import WebConfigError, read
from tests.exporter.running_exporter import rewrite

# bcrypt of "fakepassword" by Go's implementation: exporter-toolkit's own (web/handler.go).
GOS_HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
PASSWORD = "fakepassword"

TLS = {"cert_file": "server.pem", "key_file": "server.key"}
MUTUAL = {
    **TLS,
    "client_auth_type": "RequireAndVerifyClientCert",
    "client_ca_file": "authority.pem",
}


class WebFiles:
    """A directory of these files, and their authority."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = trustme.CA()
        self.authority_file = directory / "authority.pem"
        self.authority.cert_pem.write_to_path(str(self.authority_file))
        self.web_config = directory / "web.yml"
        self.renew()
        self.client = self.client_named("prometheus.example")

    def renew(self) -> None:
        """Replace the server's key, then its certificate."""
        issued = self.authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(str(self.directory / "server.key"))
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        (self.directory / "server.pem").write_bytes(chain)

    def client_named(self, name: str, authority: trustme.CA | None = None) -> Path:
        """Write a client's certificate and key into one file."""
        path = self.directory / f"client-{name}.pem"
        issued = (authority or self.authority).issue_cert(name)
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def write(self, **config: object) -> Path:
        """Write the web configuration."""
        rewrite(self.web_config, yaml.safe_dump(config))
        return self.web_config


def problems_in(path: Path) -> str:
    """Read an invalid file, and return its problems."""
    with pytest.raises(WebConfigError) as raised:
        read(path)
    return "\n".join(raised.value.problems)
