"""SNMP readings from a real snmpd, beside what snmpget and pysnmp read from it."""

import asyncio
import gc
import os
import random
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.settings.options import OidOptions, SnmpOptions
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.settings.target import Target
from rackwatt_exporter.simulator import ber
from rackwatt_exporter.targets.snmp import SnmpDriver, SnmpSource
from tests.peers.pysnmp_client import pysnmp_get
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    PRIV_PASSWORD,
    Snmpd,
    SnmpUser,
    snmpd,
)
from tests.peers.udp_relay import udp_relay

# The loop that the exporter runs on.
LOOPS = ("uvloop",)

WATTS = "1.3.6.1.4.1.232.6.2.15.3.0"
TENS = "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1"
PROBES = "1.3.6.1.4.1.674.10892.5.4.600.30.1"
TEXT = "1.3.6.1.4.1.99999.1.0"
DECIMAL_TEXT = "1.3.6.1.4.1.99999.2.0"
NEGATIVE = "1.3.6.1.4.1.99999.3.0"
AN_OID = "1.3.6.1.4.1.99999.4.0"
DIGITS = "1.3.6.1.4.1.99999.5.0"
OBJECTS = (
    f"{WATTS} integer 351",
    f"{TENS} uinteger 42",
    f"{PROBES}.6.1.1 integer 8",
    f"{PROBES}.6.1.3 integer 344",
    f"{PROBES}.8.1.1 octet_str PS1_Current",
    f"{PROBES}.8.1.3 octet_str System_Board",
    f"{TEXT} octet_str hello",
    f"{DECIMAL_TEXT} octet_str 351.5",
    f"{NEGATIVE} integer -1",
    f"{AN_OID} object_id 1.3",
    f"{DIGITS} integer 2",
)
HASHES = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
CIPHERS = ("DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C")
USERS = (
    SnmpUser("open", "noAuthNoPriv"),
    *(SnmpUser(f"only{auth}", "authNoPriv", auth) for auth in HASHES),
    *(SnmpUser(f"{auth}and{priv}", "authPriv", auth, priv) for auth in HASHES for priv in CIPHERS),
)

Sources = Callable[..., SnmpSource]


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
async def source(secret: Path) -> Sources:
    driver = SnmpDriver(Secrets(secret.parent))

    def make(
        endpoint: tuple[str, int], *oids: str | OidOptions, timeout_s: float = 3.0, **said: object
    ) -> SnmpSource:
        terms = tuple(OidOptions(oid) if isinstance(oid, str) else oid for oid in oids)
        options = replace(SnmpOptions(port=endpoint[1], oids=terms), **said)
        target = Target("pdu1", endpoint[0], "snmp", options, "lab", credentials="pdu")
        return driver.source(replace(target, timeout_s=timeout_s))

    return make


def at(daemon: Snmpd) -> tuple[str, int]:
    return daemon.address, daemon.port


async def reason_of(source: SnmpSource) -> tuple[Reason, str]:
    with pytest.raises(ReadError) as caught:
        await source.read()
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
async def test_a_community_reads_the_watts(
    agent: Snmpd, source: Sources, version: str, address: str
) -> None:
    reading = await source((address, agent.port), WATTS, version=version).read()
    assert reading.watts == float(agent.get(WATTS, [f"-v{version}", "-c", COMMUNITY])) == 351


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_every_level_and_algorithm_reads_the_watts(
    agent: Snmpd, source: Sources, secret: Path, user: SnmpUser
) -> None:
    (secret / "username").write_text(user.name)
    said = {"version": "3", "level": user.level, "auth": user.auth, "privacy": user.privacy}
    reading = await source(at(agent), WATTS, **said).read()
    assert reading.watts == float(agent.get(WATTS, user.options()))


async def test_objects_are_scaled_and_summed(agent: Snmpd, source: Sources) -> None:
    oids = (OidOptions(WATTS), OidOptions(TENS, scale=10), OidOptions(TENS, digits_oid=DIGITS))
    reading = await source(at(agent), *oids).read()
    assert reading.watts == 351 + 42 * 10 + 42 / 100
    assert reading.source == f"{WATTS} and 2 more"


async def test_a_number_written_as_text_is_a_number(agent: Snmpd, source: Sources) -> None:
    assert (await source(at(agent), DECIMAL_TEXT).read()).watts == 351.5


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_an_object_that_is_missing_is_named(
    agent: Snmpd, source: Sources, version: str
) -> None:
    reason, told = await reason_of(source(at(agent), WATTS, "1.3.6.1.4.1.9.9.9", version=version))
    assert reason is Reason.NO_POWER_SENSOR
    assert "1.3.6.1.4.1.9.9.9" in told
    assert WATTS not in told


@pytest.mark.parametrize(("oid", "shown"), [(TEXT, "hello"), (AN_OID, "1.3")])
async def test_what_is_no_number_is_a_bad_reply(
    agent: Snmpd, source: Sources, oid: str, shown: str
) -> None:
    reason, told = await reason_of(source(at(agent), oid))
    assert reason is Reason.BAD_REPLY
    assert oid in told
    assert shown in told


async def test_a_negative_value_is_no_measurement(agent: Snmpd, source: Sources) -> None:
    reason, told = await reason_of(source(at(agent), NEGATIVE))
    assert (reason, NEGATIVE in told) == (Reason.SENSOR_UNREADABLE, True)


@pytest.mark.parametrize("version", ["1", "2c"])
async def test_rows_are_found_by_what_stands_in_a_column(
    agent: Snmpd, source: Sources, version: str
) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="System_Board"))
    assert (await source(at(agent), term, version=version).read()).watts == 344


async def test_every_row_is_summed_where_none_is_named(agent: Snmpd, source: Sources) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.6"))
    assert (await source(at(agent), term).read()).watts == 8 + 344


async def test_a_row_that_is_not_there_is_told_with_those_that_are(
    agent: Snmpd, source: Sources
) -> None:
    term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="Mainboard"))
    reason, told = await reason_of(source(at(agent), term))
    assert reason is Reason.NO_POWER_SENSOR
    assert "Mainboard" in told
    assert "System_Board" in told


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
    reason, told = await reason_of(reader)
    assert (reason, "'3'" in told) == (Reason.NO_POWER_SENSOR, True)


async def test_a_wrong_community_is_silence(agent: Snmpd, source: Sources, secret: Path) -> None:
    (secret / "community").write_text("wrong")
    reason, told = await reason_of(source(at(agent), WATTS, timeout_s=0.3))
    assert (reason, "community" in told) == (Reason.TIMEOUT, True)


@pytest.mark.parametrize("file", ["username", "authPassword"])
async def test_a_wrong_user_or_password_is_auth_failed(
    own_agent: Snmpd, source: Sources, secret: Path, file: str
) -> None:
    (secret / file).write_text("something-else")
    reason, told = await reason_of(source(at(own_agent), WATTS, version="3"))
    assert reason is Reason.AUTH_FAILED
    assert "something-else" not in told


@pytest.mark.parametrize("name", ["SHAandDES", "SHAandAES", "SHA-256andAES-256"])
async def test_a_wrong_privacy_password_is_auth_failed(
    agent: Snmpd, source: Sources, secret: Path, name: str
) -> None:
    (secret / "username").write_text(name)
    (secret / "privPassword").write_text("something-else")
    auth, privacy = name.split("and")
    reader = source(at(agent), WATTS, version="3", auth=auth, privacy=privacy, timeout_s=0.6)
    reason, told = await reason_of(reader)
    assert reason is Reason.AUTH_FAILED
    assert "privPassword" in told


async def test_a_level_below_what_the_user_needs_is_refused(
    own_agent: Snmpd, source: Sources
) -> None:
    reason, _ = await reason_of(source(at(own_agent), WATTS, version="3", level="authNoPriv"))
    assert reason in (Reason.NO_POWER_SENSOR, Reason.AUTH_FAILED)


@pytest.mark.parametrize(
    ("file", "content"), [("authPassword", b"short"), ("privPassword", b""), ("username", b"\xff")]
)
async def test_a_secret_of_no_use_is_told(
    agent: Snmpd, source: Sources, secret: Path, file: str, content: bytes
) -> None:
    (secret / file).write_bytes(content)
    reason, told = await reason_of(source(at(agent), WATTS, version="3"))
    assert (reason, file in told) == (Reason.CREDENTIALS_MISSING, True)


async def test_a_missing_secret_file_is_told(agent: Snmpd, source: Sources, secret: Path) -> None:
    (secret / "community").unlink()
    reason, told = await reason_of(source(at(agent), WATTS))
    assert (reason, "community" in told) == (Reason.CREDENTIALS_MISSING, True)


async def test_a_rotated_secret_counts_as_soon_as_the_old_one_is_refused(
    own_agent: Snmpd, source: Sources, secret: Path
) -> None:
    reader = source(at(own_agent), WATTS, version="3")
    await reader.read()
    own_agent.users = (SnmpUser("rotated"),)
    own_agent.replace(own_agent.engine_id)
    assert (await reason_of(reader))[0] is Reason.AUTH_FAILED
    (secret / "username").write_text("rotated")
    assert (await reader.read()).watts == 351


async def test_a_rotated_community_counts_after_two_silences(
    own_agent: Snmpd, source: Sources, secret: Path
) -> None:
    (secret / "community").write_text("old")
    reader = source(at(own_agent), WATTS, timeout_s=0.6)
    assert (await reason_of(reader))[0] is Reason.TIMEOUT
    (secret / "community").write_text(COMMUNITY)
    assert (await reader.read()).watts == 351


async def test_an_agent_that_rebooted_is_read_at_once(own_agent: Snmpd, source: Sources) -> None:
    reader = source(at(own_agent), WATTS, version="3")
    await reader.read()
    own_agent.restart()
    assert (await reader.read()).watts == 351


@pytest.mark.parametrize("level", ["noAuthNoPriv", "authPriv"])
async def test_an_agent_that_was_replaced_is_read_at_once(
    tmp_path: Path, source: Sources, level: str
) -> None:
    users = (SnmpUser("monitor", level),)
    with snmpd(tmp_path / "replaced", OBJECTS, users) as daemon:
        reader = source(at(daemon), WATTS, version="3", level=level, timeout_s=1.5)
        await reader.read()
        daemon.replace("another")
        assert (await reader.read()).watts == 351


async def test_a_session_idle_for_long_is_refreshed(
    own_agent: Snmpd, source: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rackwatt_exporter.protocols.snmp.IDLE_S", -1.0)
    async with udp_relay(at(own_agent)) as relay:
        reader = source(relay.address, WATTS, version="3")
        await reader.read()
        relay.requests.clear()
        assert (await reader.read()).watts == 351
        assert len(relay.requests) == 2


async def test_a_warm_reading_is_one_request(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        reader = source(relay.address, WATTS, TENS, version="3")
        await reader.read()
        relay.requests.clear()
        await reader.read()
        assert len(relay.requests) == 1


@pytest.mark.parametrize("version", ["2c", "3"])
async def test_lost_packets_are_sent_again(own_agent: Snmpd, source: Sources, version: str) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.request_fate = lambda packet: [packet] if len(relay.requests) > 2 else []
        reader = source(relay.address, WATTS, version=version, timeout_s=0.9)
        assert (await reader.read()).watts == 351


async def test_packets_that_come_twice_and_late_change_nothing(
    own_agent: Snmpd, source: Sources
) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = lambda packet: [*relay.replies[-3:], packet]
        reader = source(relay.address, WATTS)
        for watts in (100, 200, 300):
            own_agent.set(WATTS, "i", watts)
            assert (await reader.read()).watts == watts


async def test_a_truncated_answer_is_asked_for_again(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = lambda packet: [packet if len(relay.replies) > 1 else packet[:-3]]
        assert (await source(relay.address, WATTS).read()).watts == 351
        relay.reply_fate = lambda packet: [packet[:-3]]
        reader = source(relay.address, WATTS)
        assert (await reason_of(reader))[0] is Reason.BAD_REPLY
        relay.reply_fate = lambda packet: [packet]
        assert (await reader.read()).watts == 351


async def test_an_agent_that_answers_few_objects_at_once_is_asked_for_few(
    own_agent: Snmpd, source: Sources
) -> None:
    def too_big(packet: bytes) -> list[bytes]:
        """Answer as RFC 3416, 4.2.1, has it, when a request asks for more than two objects."""
        version, community, pdu = ber.element(packet).children()
        number, _, _, found = pdu.children()
        if len(found.children()) <= 2:
            return [packet]
        head = map(ber.integer, (number.integer, 1, 0))
        answer = ber.sequence(*head, ber.sequence(), tag=pdu.tag)
        start = ber.integer(version.integer), ber.octets(community.octets)
        return [ber.sequence(*start, answer)]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = too_big
        oids = (WATTS, DECIMAL_TEXT, TENS, DIGITS, f"{PROBES}.6.1.3")
        reader = source(relay.address, *oids)
        assert (await reader.read()).watts == 351 + 351.5 + 42 + 2 + 344
        relay.requests.clear()
        await reader.read()
        assert len(relay.requests) == 3


async def test_where_nothing_listens_is_refused_at_once(source: Sources) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    async with asyncio.timeout(1):
        reason, _ = await reason_of(source(("127.0.0.1", port), WATTS, timeout_s=30))
    assert reason is Reason.REFUSED


async def test_an_agent_that_comes_back_is_read_again(own_agent: Snmpd, source: Sources) -> None:
    reader = source(at(own_agent), WATTS)
    await reader.read()
    own_agent.stop()
    assert (await reason_of(reader))[0] is Reason.REFUSED
    own_agent.start()
    assert (await reader.read()).watts == 351


async def test_a_name_that_does_not_resolve_is_told(source: Sources) -> None:
    reason, told = await reason_of(source(("pdu1.invalid", 161), WATTS))
    assert (reason, "pdu1.invalid" in told) == (Reason.NAME_UNRESOLVED, True)


async def test_an_impossible_identifier_is_told(agent: Snmpd, source: Sources) -> None:
    reason, told = await reason_of(source(at(agent), "1.3.6.99999999999"))
    assert (reason, "99999999999" in told) == (Reason.INVALID_ENTRY, True)


async def test_a_cancelled_reading_leaves_a_source_that_goes_on(
    own_agent: Snmpd, source: Sources
) -> None:
    async with udp_relay(at(own_agent)) as relay:
        reader = source(relay.address, WATTS, version="3", timeout_s=30)
        await reader.read()
        relay.reply_fate = lambda packet: []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read()
        relay.reply_fate = lambda packet: [*relay.replies[-2:]]
        assert (await reader.read()).watts == 351


async def test_a_target_has_one_descriptor_and_gives_it_back(
    own_agent: Snmpd, source: Sources
) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = descriptors()
    readers = [source(at(own_agent), WATTS, version="3") for _ in range(5)]
    for reader in readers * 2:
        await reader.read()
    assert descriptors() == before + 5
    for reader in readers:
        await reader.close()
    assert descriptors() == before


@pytest.mark.parametrize(
    "name", ["", "open", "onlySHA-384", "SHA-512andAES-256", "MD5andAES-256-C"]
)
async def test_pysnmp_reads_the_same(
    agent: Snmpd, source: Sources, secret: Path, name: str
) -> None:
    user = next((user for user in USERS if user.name == name), SnmpUser(""))
    (secret / "username").write_text(name)
    said = {"level": user.level, "auth": user.auth, "privacy": user.privacy}
    asked = {
        "host": agent.address,
        "port": agent.port,
        "version": "3" if name else "2c",
        "community": COMMUNITY,
        "user": name,
        "auth_password": AUTH_PASSWORD,
        "priv_password": PRIV_PASSWORD,
        "oids": [WATTS, TENS],
    }
    by_pysnmp = await pysnmp_get({**asked, **said})
    reading = await source(at(agent), WATTS, TENS, version=asked["version"], **said).read()
    assert reading.watts == sum(map(float, by_pysnmp.values())) == 351 + 42


async def test_symbolic_names_read_the_same_objects(agent: Snmpd, source: Sources) -> None:
    names = [f"SNMPv2-SMI::enterprises.{oid.removeprefix('1.3.6.1.4.1.')}" for oid in (WATTS, TENS)]
    reading = await source(at(agent), names[0], OidOptions(names[1], scale=10)).read()
    assert reading.watts == 351 + 420
    assert reading.source.startswith(names[0])


async def test_a_name_of_a_mib_that_is_missing_is_told(agent: Snmpd, source: Sources) -> None:
    reason, told = await reason_of(source(at(agent), "ACME-PDU-MIB::watts.1"))
    assert reason is Reason.NO_POWER_SENSOR
    assert "there is no MIB ACME-PDU-MIB" in told


async def test_no_answer_however_spoilt_is_a_number_or_a_crash(
    own_agent: Snmpd, source: Sources
) -> None:
    dice = random.Random(161)

    def spoilt(packet: bytes) -> list[bytes]:
        changed = bytearray(packet)
        # What stands before is the request's: an answer to another request is not looked at.
        for _ in range(dice.randint(1, 3)):
            changed[dice.randrange(20, len(changed))] = dice.randrange(256)
        return [bytes(changed[: dice.choice((len(changed), dice.randint(1, len(changed))))])]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = spoilt
        reader = source(relay.address, WATTS, TEXT, timeout_s=0.03)
        for _ in range(400):
            with pytest.raises(ReadError):
                await reader.read()
        relay.reply_fate = lambda packet: [packet]
        assert (await source(relay.address, WATTS).read()).watts == 351


async def test_an_answer_that_breaks_the_library_is_a_bad_reply(
    own_agent: Snmpd, source: Sources
) -> None:
    def emptied(packet: bytes) -> list[bytes]:
        version, community, pdu = ber.element(packet).children()
        number, *_ = pdu.children()
        head = map(ber.integer, (number.integer, 0, 0))
        broken = ber.sequence(*head, ber.sequence(ber.sequence()), tag=pdu.tag)
        start = ber.integer(version.integer), ber.octets(community.octets)
        return [ber.sequence(*start, broken)]

    async with udp_relay(at(own_agent)) as relay:
        relay.reply_fate = emptied
        reader = source(relay.address, WATTS)
        assert (await reason_of(reader))[0] is Reason.BAD_REPLY
        relay.reply_fate = lambda packet: [packet]
        assert (await reader.read()).watts == 351


async def test_a_table_without_end_is_a_bad_reply(own_agent: Snmpd, source: Sources) -> None:
    async with udp_relay(at(own_agent)) as relay:
        seen: list[bytes] = []

        def again(packet: bytes) -> list[bytes]:
            version, community, pdu = ber.element(packet).children()
            number, _, _, found = pdu.children()
            seen.append(found.content)
            # The first rows of the table, whatever was asked.
            rows = ber.encoded(ber.SEQUENCE, seen[min(1, len(seen) - 1)])
            head = map(ber.integer, (number.integer, 0, 0))
            start = ber.integer(version.integer), ber.octets(community.octets)
            return [ber.sequence(*start, ber.sequence(*head, rows, tag=pdu.tag))]

        relay.reply_fate = again
        term = OidOptions(f"{PROBES}.6", where=Row(oid=f"{PROBES}.8", equals="Mainboard"))
        reason, told = await reason_of(source(relay.address, term, version="1"))
        assert (reason, "no end" in told) == (Reason.BAD_REPLY, True)
