"""Rows of a sum that leave, return, and come late."""

from collections.abc import Callable

import pytest

from rackwatt_crds.bmc.snmp import Row
from rackwatt_exporter import ber
from rackwatt_exporter.config.options import OidOptions
from rackwatt_exporter.reading import Members, ReadError, Reason
from rackwatt_exporter.targets.snmp import source as snmp
from rackwatt_exporter.targets.snmp.source import SnmpSource
from tests.exporter.targets.snmp.agents import Sources, reason_of
from tests.peers.raw_agent import GET, raw_agent

COLUMN, LABELS = "1.3.6.1.4.1.318.1.1.26.4.3.1.5", "1.3.6.1.4.1.318.1.1.26.4.3.1.2"
TABLE = OidOptions(COLUMN, 10, where=Row(oid=COLUMN))
FEEDS = OidOptions(COLUMN, 10, where=Row(oid=LABELS, equals="feed"))
BOTH = {f"{COLUMN}.1": ber.integer(210), f"{COLUMN}.2": ber.integer(150)}
ONE = {f"{COLUMN}.1": ber.integer(210)}
Due = Callable[[], None]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find rows again at each reading, as a minute later."""
    monkeypatch.setattr(snmp, "REFRESH_S", -1.0)


def labelled(*rows: int, label: bytes = b"feed") -> dict[str, bytes]:
    values = {f"{COLUMN}.{row}": ber.integer(100) for row in rows}
    return values | {f"{LABELS}.{row}": ber.octets(label) for row in rows}


async def missing(reader: SnmpSource) -> Members | None:
    with pytest.raises(ReadError) as caught:
        await reader.read()
    assert caught.value.reason is Reason.MEMBER_MISSING
    return caught.value.members


async def test_a_row_that_leaves_is_missing_until_it_returns(source: Sources) -> None:
    async with raw_agent(BOTH) as agent:
        reader = source(agent.address, TABLE)
        reading = await reader.read()
        assert (reading.watts, reading.members) == (3600, Members(2, 2))
        agent.rows = ONE
        for _ in range(3):
            assert await missing(reader) == Members(2, 1)
        agent.rows = BOTH
        reading = await reader.read()
        assert (reading.watts, reading.members) == (3600, Members(2, 2))


async def test_all_rows_that_leave_are_missing_until_they_return(source: Sources) -> None:
    async with raw_agent(BOTH) as agent:
        reader = source(agent.address, TABLE)
        await reader.read()
        agent.rows = {}
        for _ in range(2):
            assert await missing(reader) == Members(2, 0)
        agent.rows = BOTH
        assert (await reader.read()).watts == 3600


@pytest.mark.usefixtures("at_once")
async def test_a_row_that_comes_late_counts_once_rows_are_found_again(source: Sources) -> None:
    async with raw_agent(ONE) as agent:
        reader = source(agent.address, TABLE)
        assert (await reader.read()).watts == 2100
        agent.rows = BOTH
        reading = await reader.read()
        assert (reading.watts, reading.members) == (3600, Members(2, 2))


async def test_rows_are_not_looked_for_at_each_reading(source: Sources) -> None:
    async with raw_agent(BOTH) as agent:
        reader = source(agent.address, TABLE)
        await reader.read()
        agent.kinds.clear()
        for _ in range(3):
            await reader.read()
        assert agent.kinds == [GET] * 3


@pytest.mark.usefixtures("at_once")
async def test_a_labelled_row_may_change_its_index_but_not_go(source: Sources) -> None:
    async with raw_agent(labelled(1, 3)) as agent:
        reader = source(agent.address, FEEDS)
        assert (await reader.read()).watts == 2000
        agent.rows = labelled(2, 7)
        assert (await reader.read()).watts == 2000
        agent.rows = labelled(2)
        assert await missing(reader) == Members(2, 1)
        agent.rows = labelled(2) | labelled(7, label=b"spare")
        assert await missing(reader) == Members(2, 1)


async def test_a_labelled_row_without_its_value_is_missing(source: Sources) -> None:
    async with raw_agent(labelled(1, 2)) as agent:
        reader = source(agent.address, FEEDS)
        await reader.read()
        agent.rows = {oid: value for oid, value in labelled(1, 2).items() if oid != f"{COLUMN}.2"}
        assert await missing(reader) == Members(2, 1)


async def test_an_object_of_a_list_that_is_gone_is_named_as_ever(source: Sources) -> None:
    async with raw_agent(BOTH) as agent:
        reader = source(agent.address, *BOTH)
        assert (await reader.read()).watts == 360
        agent.rows = ONE
        reason, message = await reason_of(reader)
        assert (reason, f"{COLUMN}.2" in message) == (Reason.NO_POWER_SENSOR, True)
        agent.rows = BOTH
        assert (await reader.read()).watts == 360


async def test_a_table_beside_listed_objects_is_missing_too(source: Sources) -> None:
    other = {"1.3.6.1.4.1.99999.1.0": ber.integer(5)}
    async with raw_agent(BOTH | other) as agent:
        reader = source(agent.address, TABLE, *other)
        assert (await reader.read()).watts == 3605
        agent.rows = ONE | other
        assert await missing(reader) == Members(3, 2)


@pytest.mark.parametrize("row", [f"{COLUMN}.1", f".{COLUMN}.1"])
async def test_a_row_of_a_table_that_is_listed_beside_it_counts_once(
    source: Sources, row: str
) -> None:
    async with raw_agent(BOTH) as agent:
        for terms in ((TABLE, OidOptions(row, 10)), (OidOptions(row, 10), TABLE)):
            reading = await source(agent.address, *terms).read()
            assert (reading.watts, reading.members) == (3600, Members(2, 2))


async def test_a_row_that_two_tables_find_counts_once_and_is_followed(source: Sources) -> None:
    async with raw_agent(labelled(1, 3)) as agent:
        reader = source(agent.address, FEEDS, TABLE)
        assert (await reader.read()).watts == 2000
        agent.rows = labelled(1) | labelled(3, label=b"spare")
        assert await missing(reader) is not None


async def test_a_row_that_two_entries_scale_differently_is_an_invalid_entry(
    source: Sources,
) -> None:
    async with raw_agent(BOTH) as agent:
        reason, message = await reason_of(source(agent.address, TABLE, f"{COLUMN}.2"))
        assert (reason, f"{COLUMN}.2" in message) == (Reason.INVALID_ENTRY, True)
