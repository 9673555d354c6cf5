"""Documents and Secrets of a simulated fleet, as files that an exporter can read."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from rackwatt_crds.document import API_VERSION
from rackwatt_exporter.simulator.machine import SimulatedLogin


def document(kind: str, spec: Mapping[str, object]) -> dict[str, object]:
    """Return a document named `simulated`."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": "simulated"},
        "spec": spec,
    }


def write(
    directory: Path,
    documents: Mapping[str, dict[str, object]],
    login: SimulatedLogin,
    authority: bytes,
) -> None:
    """Write documents, by the names of their files, into `documents/`, and `secrets/` beside it.

    The passwords are the simulator's own. `authority` is the PEM that verifies the certificate of
    the Redfish services.
    """
    folder = directory / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    for name, each in documents.items():
        text = yaml.safe_dump(each, sort_keys=False, default_flow_style=None, width=120)
        (folder / name).write_text(text)
    _secret(directory, "bmc", username=login.username, password=login.password)
    _secret(
        directory,
        "pdu",
        community=login.community,
        username=login.username,
        authPassword=login.auth_password,
        privPassword=login.priv_password,
    )
    _secret(directory, "bmc-ca", **{"ca.crt": authority.decode()})


def _secret(directory: Path, name: str, **keys: str) -> None:
    folder = directory / "secrets" / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key, value in keys.items():
        path = folder / key
        path.write_text(value)
        path.chmod(0o600)
