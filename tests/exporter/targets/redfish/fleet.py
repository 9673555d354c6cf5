"""Fixtures of the tests of Redfish: secrets as files, targets, and their reasons."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.config.options import RedfishOptions, TlsOptions
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.peers.sushy import PASSWORD, USERNAME, Sushy

OPTIONS = RedfishOptions(tls=TlsOptions(ca_secret="ca"))


def write_secrets(directory: Path, authority: Path | None = None) -> Path:
    """Write the files of the secrets `bmc` and `ca`, and return their directory."""
    for secret, key, value in (
        ("bmc", "username", USERNAME.encode()),
        ("bmc", "password", PASSWORD.encode()),
        ("ca", "ca.crt", authority.read_bytes() if authority else b""),
    ):
        path = directory / "secrets" / secret / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    return directory / "secrets"


def target_at(address: str, port: int, node: str = "n1", **options: Any) -> Target:
    """Make a target whose certificate is verified, unless the options say otherwise."""
    chosen = replace(OPTIONS, port=port, **options)
    return Target(node, address, "redfish", chosen, "lab", credentials="bmc")


def target_of(peer: Sushy, node: str = "n1", **options: Any) -> Target:
    """Make a target of a running emulator."""
    return target_at(peer.address, peer.port, node, **options)


async def error_of(driver: RedfishDriver, target: Target) -> ReadError:
    """Read once a target that has no reading, and give the error."""
    source = driver.source(target)
    with pytest.raises(ReadError) as caught:
        await source.read()
    await source.close()
    return caught.value


async def reason_of(driver: RedfishDriver, target: Target) -> Reason:
    """Read once a target that has no reading, and give the reason."""
    return (await error_of(driver, target)).reason
