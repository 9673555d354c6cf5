"""The agents, secrets and sources that tests of SNMP targets are given."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.config.options import OidOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.targets.snmp.source import SnmpDriver, SnmpSource
from tests.eventually import PATIENCE_S
from tests.exporter.targets.snmp.agents import OBJECTS, USERS, Sources
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    PRIV_PASSWORD,
    Snmpd,
    SnmpUser,
    snmpd,
)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with snmpd(tmp_path_factory.mktemp("snmpd"), OBJECTS, USERS, ("127.0.0.1", "::1")) as daemon:
        yield daemon


@pytest.fixture
def own_agent(tmp_path: Path) -> Iterator[Snmpd]:
    with snmpd(tmp_path / "snmpd", OBJECTS, (SnmpUser("monitor"),)) as daemon:
        yield daemon


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets" / "pdu"
    directory.mkdir(parents=True)
    (directory / "community").write_text(f"{COMMUNITY}\n")
    (directory / "username").write_text("monitor\n")
    (directory / "authPassword").write_text(f"{AUTH_PASSWORD}\n")
    (directory / "privPassword").write_text(f"{PRIV_PASSWORD}\n")
    return directory


@pytest.fixture
async def source(secret: Path) -> AsyncIterator[Sources]:
    driver = SnmpDriver(Secrets(secret.parent))
    made: list[SnmpSource] = []

    def make(
        endpoint: tuple[str, int],
        *oids: str | OidOptions,
        timeout_s: float = PATIENCE_S,
        retries: int = 2,
        **said: Any,
    ) -> SnmpSource:
        terms = tuple(OidOptions(oid) if isinstance(oid, str) else oid for oid in oids)
        options = replace(SnmpOptions(port=endpoint[1], oids=terms), **said)
        target = Target("pdu1", endpoint[0], "snmp", options, "lab", credentials="pdu")
        made.append(driver.source(replace(target, timeout_s=timeout_s, retries=retries)))
        return made[-1]

    yield make
    for each in made:
        await each.close()
    await driver.close()
