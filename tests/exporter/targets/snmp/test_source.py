"""SNMP readings from a real snmpd, beside what snmpget and pysnmp read from it."""

from pathlib import Path

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.reading import Reason
from tests.exporter.targets.snmp.agents import (
    AN_OID,
    DECIMAL_TEXT,
    DIGITS,
    NEGATIVE,
    PROBES,
    TENS,
    TEXT,
    USERS,
    WATTS,
    Sources,
    at,
    reason_of,
)
from tests.peers.pysnmp_client import pysnmp_get
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    PRIV_PASSWORD,
    Snmpd,
    SnmpUser,
)

# The loop that the exporter runs on.
LOOPS = ("uvloop",)


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
async def test_a_community_reads_the_watts(
    agent: Snmpd, source: Sources, version: str, address: str
) -> None:
    reading = await source((address, agent.port), WATTS, version=version).read()
    assert reading.watts == float(agent.get(WATTS, [f"-v{version}", "-c", COMMUNITY])) == 351


async def test_objects_are_scaled_and_summed(agent: Snmpd, source: Sources) -> None:
    reading = await source(at(agent), WATTS, OidOptions(TENS, scale=10)).read()
    assert reading.watts == 351 + 42 * 10
    assert reading.source == f"{WATTS} and 1 more"


async def test_an_object_that_says_the_decimals_divides(agent: Snmpd, source: Sources) -> None:
    oids = (OidOptions(WATTS), OidOptions(TENS, digits_oid=DIGITS))
    assert (await source(at(agent), *oids).read()).watts == 351 + 42 / 100


async def test_a_number_written_as_text_is_a_number(agent: Snmpd, source: Sources) -> None:
    assert (await source(at(agent), DECIMAL_TEXT).read()).watts == 351.5


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_an_object_that_is_missing_is_named(
    agent: Snmpd, source: Sources, version: str
) -> None:
    reason, message = await reason_of(
        source(at(agent), WATTS, "1.3.6.1.4.1.9.9.9", version=version)
    )
    assert reason is Reason.NO_POWER_SENSOR
    assert "1.3.6.1.4.1.9.9.9" in message
    assert WATTS not in message


@pytest.mark.parametrize(
    ("oid", "expected", "shown"),
    [(TEXT, Reason.BAD_REPLY, "hello"), (AN_OID, Reason.NO_POWER_SENSOR, "1.3")],
)
async def test_what_is_no_number_is_no_reading(
    agent: Snmpd, source: Sources, oid: str, expected: Reason, shown: str
) -> None:
    reason, message = await reason_of(source(at(agent), oid))
    assert reason is expected
    assert oid in message
    assert shown in message


async def test_a_negative_value_is_no_measurement(agent: Snmpd, source: Sources) -> None:
    reason, message = await reason_of(source(at(agent), NEGATIVE))
    assert (reason, NEGATIVE in message) == (Reason.SENSOR_UNREADABLE, True)


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_rows_are_found_by_the_value_in_a_column(
    agent: Snmpd, source: Sources, version: str
) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="System_Board"))
    assert (await source(at(agent), term, version=version).read()).watts == 344


async def test_every_row_is_summed_where_none_is_named(agent: Snmpd, source: Sources) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.6"))
    assert (await source(at(agent), term).read()).watts == 8 + 344


async def test_a_missing_row_is_an_error_with_the_rows_that_exist(
    agent: Snmpd, source: Sources
) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="Mainboard"))
    reason, message = await reason_of(source(at(agent), term))
    assert reason is Reason.NO_POWER_SENSOR
    assert "Mainboard" in message
    assert "System_Board" in message


async def test_a_row_that_moved_is_found_again_and_never_mistaken(
    own_agent: Snmpd, source: Sources
) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="System_Board"))
    reader = source(at(own_agent), term)
    assert (await reader.read()).watts == 344
    own_agent.set(f"{PROBES}.8.1.3", "s", "PS1_Current")
    own_agent.set(f"{PROBES}.8.1.1", "s", "System_Board")
    assert (await reader.read()).watts == 8


async def test_a_value_counts_only_while_its_state_says_so(
    own_agent: Snmpd, source: Sources
) -> None:
    term = OidOptions(WATTS, where=Row(oid=DIGITS, equals="2"))
    reader = source(at(own_agent), term)
    assert (await reader.read()).watts == 351
    own_agent.set(DIGITS, "i", 3)
    reason, message = await reason_of(reader)
    assert (reason, "'3'" in message) == (Reason.NO_POWER_SENSOR, True)


async def test_an_impossible_identifier_is_an_error(agent: Snmpd, source: Sources) -> None:
    reason, message = await reason_of(source(at(agent), "1.3.6.99999999999"))
    assert (reason, "99999999999" in message) == (Reason.INVALID_ENTRY, True)


@pytest.mark.parametrize(
    "name", ["", "open", "onlySHA-384", "SHA-512andAES-256", "MD5andAES-256-C"]
)
async def test_pysnmp_reads_the_same(
    agent: Snmpd, source: Sources, secret: Path, name: str
) -> None:
    user = next((user for user in USERS if user.name == name), SnmpUser(""))
    (secret / "username").write_text(name)
    said = {"level": user.level, "auth": user.auth, "privacy": user.privacy}
    request = {
        "host": agent.address,
        "port": agent.port,
        "version": "3" if name else "2c",
        "community": COMMUNITY,
        "user": name,
        "auth_password": AUTH_PASSWORD,
        "priv_password": PRIV_PASSWORD,
        "oids": [WATTS, TENS],
    }
    by_pysnmp = await pysnmp_get({**request, **said})
    reading = await source(at(agent), WATTS, TENS, version=request["version"], **said).read()
    assert reading.watts == sum(map(float, by_pysnmp.values())) == 351 + 42


async def test_symbolic_names_read_the_same_objects(agent: Snmpd, source: Sources) -> None:
    names = [f"SNMPv2-SMI::enterprises.{oid.removeprefix('1.3.6.1.4.1.')}" for oid in (WATTS, TENS)]
    reading = await source(at(agent), names[0], OidOptions(names[1], scale=10)).read()
    assert reading.watts == 351 + 420
    assert reading.source.startswith(names[0])


async def test_a_name_of_a_missing_mib_is_an_error(agent: Snmpd, source: Sources) -> None:
    reason, message = await reason_of(source(at(agent), "ACME-PDU-MIB::watts.1"))
    assert reason is Reason.NO_POWER_SENSOR
    assert "there is no MIB ACME-PDU-MIB" in message
