"""A BMC that lists another system, once the machine behind it has been found."""

from typing import Any

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish import sum as redfish_sum
from tests.exporter.targets.redfish.tree import ROOT, Tree, collection, link, machine, searched

SYSTEMS, CHASSIS = f"{ROOT}/Systems", f"{ROOT}/Chassis/1"
FIRST = f"{SYSTEMS}/1"
POWER = {f"{CHASSIS}/Power": {"PowerControl": [{"PowerConsumedWatts": 400}]}}


@pytest.fixture(autouse=True)
def listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redfish_sum, "REFRESH_S", 0.0)


def two_systems(**second: Any) -> dict[str, Any]:
    path = f"{SYSTEMS}/2"
    return {
        SYSTEMS: collection(FIRST, path),
        path: {**link(path), "Id": "2", "PowerState": "On", **second},
    }


@pytest.mark.parametrize(
    "later", [two_systems(), {SYSTEMS: {**collection(FIRST), "Members@odata.count": 2}}]
)
async def test_a_second_system_that_is_listed_later_ends_the_watts_of_one_machine(
    later: dict[str, Any],
) -> None:
    served = Tree(machine() | POWER)
    source = served.source()
    assert (await source.read()).watts == 400
    served.resources |= later
    with pytest.raises(ReadError, match="name one in redfish") as raised:
        await searched(source)
    assert raised.value.reason is Reason.NO_POWER_SENSOR


async def test_a_part_that_is_listed_later_as_a_system_is_searched_for_once() -> None:
    served = Tree(machine() | POWER)
    source = served.source()
    await source.read()
    served.resources |= two_systems(SystemType="DPU")
    assert (await searched(source)).watts == 400
    served.counted()
    await source.read()
    assert served.requests == [f"{CHASSIS}/Power", SYSTEMS, FIRST]


async def test_a_system_that_leaves_and_returns_is_no_new_one() -> None:
    served = Tree(machine() | POWER | two_systems(SystemType="DPU"))
    source = served.source()
    await searched(source)
    both = served.resources[SYSTEMS]
    for listed in (collection(FIRST), both, {"!status": 503}, both):
        served.resources[SYSTEMS] = listed
        served.counted()
        assert (await source.read()).watts == 400
        assert served.counted() <= 3


async def test_a_system_whose_link_is_a_whole_url_is_no_new_one() -> None:
    url = link(f"https://192.0.2.1{FIRST}")
    served = Tree(machine() | POWER | {SYSTEMS: {"Members": [url]}})
    source = served.source()
    await searched(source)
    served.counted()
    assert (await source.read()).watts == 400
    assert served.requests == [f"{CHASSIS}/Power", SYSTEMS, FIRST]


async def test_a_chassis_that_the_settings_name_is_read_whatever_systems_there_are() -> None:
    served = Tree(machine() | POWER)
    source = served.source(chassis="1")
    await source.read()
    served.resources |= two_systems()
    served.counted()
    assert (await source.read()).watts == 400
    assert SYSTEMS not in served.requests
