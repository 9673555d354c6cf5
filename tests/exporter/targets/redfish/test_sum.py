"""Members of a sum that leave, return or come late, and searches that find nothing."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.power import NotNamedError, power_control
from rackwatt_exporter.reading import Members, ReadError, Reason
from rackwatt_exporter.targets.redfish import sum as redfish_sum
from rackwatt_exporter.targets.redfish.discovery import FIRST_REQUESTS
from rackwatt_exporter.targets.redfish.source import RedfishSource
from tests.exporter.targets.redfish.tree import (
    FORBIDDEN,
    ROOT,
    Tree,
    collection,
    link,
    machine,
    searched,
    sensors,
    tree,
)

CHASSIS = f"{ROOT}/Chassis/1"
POWER = f"{CHASSIS}/Power"
SUPPLIES = f"{ROOT}/PowerEquipment/PowerShelves/Shelf/PowerSupplies"
MOST_REQUESTS = 6


@pytest.fixture
def listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redfish_sum, "REFRESH_S", 0.0)


async def reason_of(source: RedfishSource) -> tuple[Reason, Members | None]:
    with pytest.raises(ReadError) as raised:
        await source.read()
    return raised.value.reason, raised.value.members


def supplies(*watts: float | None) -> dict[str, Any]:
    named = [{"Name": f"PSU{n}", "PowerInputWatts": each} for n, each in enumerate(watts)]
    return {"@odata.id": POWER, "PowerControl": [], "PowerSupplies": named}


@pytest.mark.parametrize("how", ["not listed", "Absent"])
async def test_a_supply_that_leaves_is_missed_and_is_counted_when_it_returns(how: str) -> None:
    served = Tree(machine() | {POWER: supplies(300, 280)})
    source = served.source()
    assert (await source.read()).members == Members(2, 2)
    served.resources[POWER] = supplies(560)
    if how == "Absent":
        empty = {"Name": "PSU1", "Status": {"State": "Absent"}, "PowerInputWatts": None}
        served.resources[POWER]["PowerSupplies"].append(empty)
    for _ in range(3):
        assert await reason_of(source) == (Reason.MEMBER_MISSING, Members(2, 1))
    served.resources[POWER] = supplies(310, 290)
    assert (await source.read()).watts == 600


async def test_a_supply_that_comes_late_is_counted() -> None:
    served = Tree(machine() | {POWER: supplies(300)})
    source = served.source()
    assert (await source.read()).watts == 300
    served.resources[POWER] = supplies(160, 150)
    reading = await source.read()
    assert (reading.watts, reading.members) == (310, Members(2, 2))


async def test_a_supply_that_falls_asleep_is_unreadable_and_no_other_sum_takes_its_place() -> None:
    served = Tree(machine() | {POWER: supplies(300, 280)})
    source = served.source()
    await source.read()
    served.resources[POWER] = supplies(560, None)
    for supply in served.resources[POWER]["PowerSupplies"]:
        supply["LastPowerOutputWatts"] = 250
    for _ in range(3):
        assert await reason_of(source) == (Reason.SENSOR_UNREADABLE, Members(2, 1))
    served.resources[POWER] = supplies(310, 290)
    assert (await source.read()).watts == 600


async def test_a_supply_with_a_resource_of_its_own_is_missed_and_found_again(
    listed_at_once: None,
) -> None:
    served = tree("power-shelf")
    source = served.source()
    assert (await source.read()).members == Members(3, 3)
    whole = dict(served.resources)
    for path in (f"{SUPPLIES}/2", f"{SUPPLIES}/2/Metrics"):
        del served.resources[path]
    reason, members = await reason_of(source)
    assert (reason, members) == (Reason.SENSOR_UNREADABLE, Members(3, 2))  # it is still listed
    served.resources[SUPPLIES] = collection(f"{SUPPLIES}/0", f"{SUPPLIES}/1")
    reasons = [await reason_of(source) for _ in range(6)]
    assert reasons[-1] == (Reason.MEMBER_MISSING, Members(3, 2))
    served.resources = whole
    readings = []
    for _ in range(6):
        try:
            readings.append((await source.read()).members)
        except ReadError as error:
            assert error.reason is Reason.MEMBER_MISSING
    assert readings[-1] == Members(3, 3)


METRICS = f"{CHASSIS}/PowerSubsystem/PowerSupplies"


async def test_a_supply_of_another_chassis_that_is_listed_later_is_a_reason(
    listed_at_once: None,
) -> None:
    served = Tree(machine() | supplies_with_metrics(300))
    source = served.source()
    assert (await source.read()).watts == 300
    other = f"{CHASSIS}2/PowerSubsystem/PowerSupplies/0"
    served.resources[METRICS]["Members"].append(link(other))
    served.resources[other] = {**link(other), "Name": "PSU9"}
    served.resources[f"{other}/Metrics"] = {"InputPowerWatts": {"Reading": 280}}
    for _ in range(4):  # a list of several requests takes more than one poll
        with suppress(ReadError):
            assert (await source.read()).watts == 300
    assert await reason_of(source) == (Reason.NO_POWER_SENSOR, None)


def supplies_with_metrics(*watts: float, state: str = "Enabled", **more: Any) -> dict[str, Any]:
    """Make supplies with metrics of their own; `state` is that of the last supply."""
    paths = [f"{METRICS}/{number}" for number in range(len(watts))]
    resources = {METRICS: collection(*paths), f"{CHASSIS}/PowerSubsystem": {}}
    resources[f"{CHASSIS}/PowerSubsystem"] = {"PowerSupplies": link(METRICS)}
    for path, each in zip(paths, watts, strict=True):
        status = {"State": state if path == paths[-1] else "Enabled"}
        resources[path] = {**link(path), "Name": f"PSU{path[-1]}", "Status": status}
        resources[f"{path}/Metrics"] = {"InputPowerWatts": {"Reading": each}, **more}
    return resources


@pytest.mark.parametrize("state", ["UnavailableOffline", "Starting", "Absent", "Disabled"])
@pytest.mark.parametrize("last", [280, 0, 20])
async def test_a_supply_that_is_offline_is_noticed_at_the_next_reading(
    state: str, last: float
) -> None:
    served = Tree(machine() | supplies_with_metrics(300, 280))
    source = served.source()
    for step in range(3):
        served.resources |= supplies_with_metrics(300 + step, 282 - step)
        assert (await source.read()).members == Members(2, 2)
    for watts in (560, 565, 571):
        served.resources |= supplies_with_metrics(watts, last, state=state)
        with pytest.raises(ReadError) as caught:
            await source.read()
        assert caught.value.reason in (Reason.SENSOR_UNREADABLE, Reason.MEMBER_MISSING)
    served.resources |= supplies_with_metrics(310, 290)
    assert await last_of(source) == (600, Members(2, 2))


async def test_a_supply_that_waits_is_one_that_works() -> None:
    served = Tree(machine() | supplies_with_metrics(300, 0, state="StandbySpare"))
    source = served.source()
    for step in range(5):
        served.resources |= supplies_with_metrics(300 + step, 0, state="StandbySpare")
        assert (await source.read()).watts == 300 + step


@pytest.mark.parametrize("count", [1, 2, 6, 24])
async def test_supplies_are_read_with_every_tenth_of_watts_that_change(count: int) -> None:
    served = Tree(machine() | supplies_with_metrics(*[300] * count))
    source = served.source()
    await searched(source)
    requests = []
    for step in range(1, 41):
        served.resources |= supplies_with_metrics(*[300 + step] * count)
        served.counted()
        await source.read()
        requests.append(served.counted())
    assert max(requests) <= count + -(-count // 10) + 1  # one for the machine's state
    assert sum(requests) == 40 * count + 4 * count + 4


async def test_metrics_with_a_state_of_their_own_cost_no_other_request() -> None:
    own: dict[str, Any] = {"Status": {"State": "Enabled"}}
    served = Tree(machine() | supplies_with_metrics(300, 280, **own))
    source = served.source()
    await source.read()
    served.resources |= supplies_with_metrics(310, 280, **own)
    served.counted()
    await source.read()
    assert served.requests == [f"{METRICS}/0/Metrics", f"{METRICS}/1/Metrics"]


async def test_watts_of_one_supply_that_repeat_cost_one_request_more() -> None:
    served = Tree(machine() | supplies_with_metrics(300, 280))
    source = served.source()
    for watts in (300, 310, 320, 330):
        served.resources |= supplies_with_metrics(watts, 280)
        served.counted()
        await source.read()
    assert served.requests == [f"{METRICS}/0/Metrics", f"{METRICS}/1/Metrics", f"{METRICS}/1"]


def supply_sensors(*ids: str) -> dict[str, Any]:
    found = sensors(*ids, "Inlet_Temp")
    for name in ids:
        found[f"{CHASSIS}/Sensors/{name}"]["PhysicalContext"] = "PowerSupply"
    found[f"{CHASSIS}/Sensors/Inlet_Temp"]["ReadingType"] = "Temperature"
    return found


async def last_of(source: RedfishSource, readings: int = 6) -> tuple[float | Reason, Any]:
    last: tuple[float | Reason, Any] = 0.0, None
    for _ in range(readings):
        try:
            reading = await source.read()
        except ReadError as error:
            last = error.reason, error.members
        else:
            last = reading.watts, reading.members
    return last


@pytest.mark.parametrize("before", [2, 3])
@pytest.mark.parametrize("how", ["not listed", "Absent", "gone"])
async def test_a_supply_sensor_that_leaves_is_missed_however_few_stay(
    listed_at_once: None, before: int, how: str
) -> None:
    ids = [f"PSU{n}_Input_Power" for n in range(before)]
    served = Tree(machine() | supply_sensors(*ids))
    source = served.source()
    assert (await source.read()).members == Members(before, before)
    if how == "Absent":
        served.resources[f"{CHASSIS}/Sensors/{ids[0]}"]["Status"] = {"State": "Absent"}
    else:
        served.resources |= supply_sensors(*ids[1:])
    if how == "gone":
        del served.resources[f"{CHASSIS}/Sensors/{ids[0]}"]
    assert await last_of(source) == (Reason.MEMBER_MISSING, Members(before, before - 1))
    served.resources |= supply_sensors(*ids)
    assert await last_of(source) == (100.0 * before, Members(before, before))


async def test_a_sum_that_starts_with_one_supply_sensor_counts_the_next(
    listed_at_once: None,
) -> None:
    served = Tree(machine() | supply_sensors("PSU0_Input_Power"))
    source = served.source()
    assert (await source.read()).members == Members(1, 1)
    served.resources |= supply_sensors("PSU0_Input_Power", "PSU1_Input_Power")
    assert await last_of(source) == (200, Members(2, 2))


async def test_sensors_of_something_else_are_looked_into_once(listed_at_once: None) -> None:
    served = Tree(machine() | supply_sensors("PSU0_Input_Power"))
    source = served.source()
    for _ in range(5):
        await source.read()
    assert served.requests.count(f"{CHASSIS}/Sensors/Inlet_Temp") == 1


async def test_a_list_is_read_again_a_few_requests_at_a_time(listed_at_once: None) -> None:
    served = tree("power-shelf")
    source = served.source()
    await source.read()
    served.resources[SUPPLIES] = collection(*(f"{SUPPLIES}/{n}" for n in range(4)))
    served.resources[f"{SUPPLIES}/3"] = {"@odata.id": f"{SUPPLIES}/3", "Name": "Supply 3"}
    served.resources[f"{SUPPLIES}/3/Metrics"] = {"InputPowerWatts": {"Reading": 1000.0}}
    seen = []
    for _ in range(8):
        served.counted()
        seen.append(await source.read())
        # Watts that repeat are doubted: each supply is read with its metrics.
        assert served.counted() <= 2 * 4 + redfish_sum._REQUESTS
    assert seen[-1].members == Members(4, 4)
    assert seen[-1].watts == 2100.5 + 2101.5 + 2102.5 + 1000


async def test_a_place_that_reads_costs_one_request() -> None:
    served = Tree(machine() | {POWER: supplies(300, 280)})
    source = served.source()
    await source.read()
    served.counted()
    served.resources[POWER] = supplies(310, 280)
    await source.read()
    assert served.requests == [POWER]


def parts_of_a_dgx() -> dict[str, Any]:
    """Make a tree of 73 resources and no watts of the whole machine."""
    chassis = [f"{ROOT}/Chassis/GPU_{n}" for n in range(20)]
    named = [f"GPU_{n}_Power" for n in range(40)]
    resources = machine() | sensors(*named)
    resources |= {path: {**link(path), "ChassisType": "Module"} for path in chassis}
    resources[f"{ROOT}/Systems/1"]["Links"]["Chassis"] += map(link, chassis)
    resources[f"{ROOT}/Chassis"] = collection(CHASSIS, *chassis)
    return resources


async def test_a_search_is_spread_over_tries_and_in_vain_asks_for_a_handful_each() -> None:
    served = Tree(parts_of_a_dgx())
    source, tries = served.source(), []
    while (reason := (await reason_of(source))[0]) is Reason.SEARCHING:
        tries.append(served.counted())
    assert reason is Reason.NO_POWER_SENSOR
    assert tries[0] <= FIRST_REQUESTS + 2  # the root, the machine's state
    assert max(*tries[1:], served.counted()) <= MOST_REQUESTS
    assert sum(tries) > 40
    for _ in range(30):
        with pytest.raises(ReadError, match="GPU_0_Power"):
            await source.read()
        assert 0 < served.counted() <= MOST_REQUESTS


def a_dgx(*, parts: int = 13, sensors_each: int = 280) -> dict[str, Any]:
    """Make a tree of 300 resources, in whose chassis no sensor is of the whole machine."""
    paths = [CHASSIS, *(f"{ROOT}/Chassis/C{n}" for n in range(1, parts + 1))]
    resources = machine()
    resources[f"{ROOT}/Systems/1"]["Links"]["Chassis"] = list(map(link, paths))
    resources[f"{ROOT}/Chassis"] = collection(*paths)
    for path in paths[1:]:
        resources[path] = {**link(path), "Id": path.rpartition("/")[2], "ChassisType": "Module"}
    return resources | sensors(*(f"GPU_{n}_Power" for n in range(sensors_each)))


async def test_a_search_of_a_large_tree_is_a_handful_of_requests_a_try_and_none_twice() -> None:
    served = Tree(a_dgx())
    source, tries, paths = served.source(), [], []
    while (reason := (await reason_of(source))[0]) is Reason.SEARCHING:
        paths += served.requests
        tries.append(served.counted())
    assert reason is Reason.NO_POWER_SENSOR
    assert tries[0] <= FIRST_REQUESTS + 2
    assert max(tries[1:]) <= MOST_REQUESTS
    assert sum(tries) > 14 * 20
    again = {path for path, times in Counter(paths).items() if times > 1}
    assert again <= {f"{ROOT}/Systems/1"}  # its power state


async def test_a_large_tree_is_read_by_one_request_once_its_total_is_found() -> None:
    metrics = f"{CHASSIS}/EnvironmentMetrics"
    served = Tree(a_dgx() | {metrics: {**link(metrics), "PowerWatts": {"Reading": 5120}}})
    source = served.source()
    assert (await searched(source)).watts == 5120
    served.counted()
    served.resources[metrics] = {**link(metrics), "PowerWatts": {"Reading": 5121}}
    assert (await source.read()).watts == 5121
    assert served.requests == [metrics]


async def test_a_search_in_vain_finds_watts_that_come_later() -> None:
    served = Tree(parts_of_a_dgx())
    source = served.source()
    with pytest.raises(ReadError):
        await searched(source)
    served.resources |= sensors(*(f"GPU_{n}_Power" for n in range(40)), "Total_Power", watts=900)
    for _ in range(30):
        served.counted()
        try:
            assert (await source.read()).watts == 900
            break
        except ReadError as error:
            assert error.reason is Reason.NO_POWER_SENSOR
            assert "GPU_0_Power" in str(error)
        assert served.counted() <= MOST_REQUESTS
    else:
        pytest.fail("the total was not found")


async def test_a_sensor_that_is_unreadable_for_long_costs_a_handful_each_time() -> None:
    served = tree("supply-asleep")
    source = served.source()
    await reason_of(source)
    for _ in range(10):
        served.counted()
        assert (await reason_of(source))[0] is Reason.SENSOR_UNREADABLE
        assert served.counted() <= MOST_REQUESTS


async def test_a_machine_that_is_off_costs_one_request() -> None:
    served = Tree(machine() | {POWER: supplies(300, 280)})
    served.resources[f"{ROOT}/Systems/1"]["PowerState"] = "Off"
    source = served.source()
    await reason_of(source)
    served.counted()
    assert (await reason_of(source))[0] is Reason.POWERED_OFF
    assert served.counted() == 1


async def test_a_search_continued_after_a_refusal_keeps_its_reason() -> None:
    served = Tree(machine() | {POWER: FORBIDDEN})
    source = served.source()
    with pytest.raises(ReadError, match="gives 403") as found:
        await searched(source)
    served.resources |= sensors(*(f"CPU{number}" for number in range(20)))
    while "the search for watts continues" not in str(found.value):
        with pytest.raises(ReadError) as found:
            await source.read()
    assert found.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    assert "so far: " in str(found.value)


@pytest.mark.parametrize("path", [METRICS, POWER])
async def test_supplies_that_are_counted_and_not_listed_are_a_reason(path: str) -> None:
    if path == POWER:
        served, key = Tree(machine() | {POWER: supplies(300, 280)}), "PowerSupplies"
    else:
        served, key = Tree(machine() | supplies_with_metrics(300, 280)), "Members"
    served.resources[path][f"{key}@odata.count"] = 2
    assert (await searched(served.source())).watts == 580
    served.resources[path][f"{key}@odata.count"] = 3
    with pytest.raises(ReadError, match="counts") as raised:
        await searched(served.source())
    assert raised.value.reason is Reason.NO_POWER_SENSOR


async def test_inputs_of_supplies_are_no_sum_where_sensors_are_only_counted() -> None:
    resources = machine() | sensors("PSU1_Input", "PSU2_Input")
    assert (await searched(Tree(resources).source())).watts == 200
    resources[f"{CHASSIS}/Sensors"]["Members@odata.count"] = 3
    with pytest.raises(ReadError, match="counts 1 sensors more than it lists: 'PSU1_Input'"):
        await searched(Tree(resources).source())


def test_the_only_power_control_that_is_listed_is_not_alone_where_more_are_counted() -> None:
    document = {"PowerControl": [{"PowerConsumedWatts": 90}], "PowerControl@odata.count": 2}
    with pytest.raises(NotNamedError, match="one without a name"):
        power_control(Machine())([document], "P")
