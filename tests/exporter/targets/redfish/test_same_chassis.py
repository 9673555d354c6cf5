"""A machine whose chassis has no watts now: nothing else's watts take their place."""

from typing import Any

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.targets.redfish.tree import ROOT, Tree, collection, link, machine, searched

CHASSIS, OTHER, SYSTEM = f"{ROOT}/Chassis/1", f"{ROOT}/Chassis/Other", f"{ROOT}/Systems/1"


def power(at: str, watts: float | None) -> dict[str, Any]:
    control = {"Name": "System Power Control", "PowerConsumedWatts": watts}
    return {f"{at}/Power": {**link(f"{at}/Power"), "PowerControl": [control]}}


def beside(kind: str, *named: str, **links: Any) -> dict[str, Any]:
    """Make the machine, and another chassis with watts; the system names some of the two."""
    resources = machine(Links={"ComputerSystems": [link(SYSTEM)]})
    resources[f"{ROOT}/Chassis"] = collection(OTHER, CHASSIS)
    resources[SYSTEM]["Links"]["Chassis"] = list(map(link, named))
    resources[OTHER] = {**link(OTHER), "Id": "Other", "ChassisType": kind, "Links": links}
    return resources | power(CHASSIS, 900) | power(OTHER, 300)


SHAPES: dict[str, dict[str, Any]] = {
    "a board inside, named alone": beside(
        "Component", OTHER, ContainedBy=link(CHASSIS), ComputerSystems=[link(SYSTEM)]
    ),
    "a board inside, named too": beside("RackMount", CHASSIS, OTHER, ContainedBy=link(CHASSIS)),
    "a board of GPUs": beside(
        "RackMount", CHASSIS, OTHER, ComputerSystems=[link(f"{ROOT}/Systems/HGX_Baseboard_0")]
    ),
    "a box beside, named too": beside("RackMount", OTHER, CHASSIS),
    "a box beside, neither named": beside("RackMount"),
    "a module": beside("Module", CHASSIS, OTHER),
}


@pytest.mark.parametrize("resources", SHAPES.values(), ids=SHAPES)
async def test_a_chassis_without_watts_now_is_not_left_for_another(
    resources: dict[str, Any],
) -> None:
    served = Tree(resources)
    source = served.source()
    assert (await searched(source)).watts == 900
    served.resources |= power(CHASSIS, None)
    for _ in range(3):
        with pytest.raises(ReadError, match="1/Power#PowerControl/0 is null") as raised:
            await searched(source)
        assert raised.value.reason is Reason.SENSOR_UNREADABLE
    served.resources |= power(CHASSIS, 910)
    assert (await searched(source)).watts == 910


@pytest.mark.parametrize(
    "known",
    [
        {f"{CHASSIS}/EnvironmentMetrics": {"PowerWatts": {"Reading": None}}},
        {f"{CHASSIS}/Power": {"PowerControl": [{"PowerConsumedWatts": None}]}},
        {f"{CHASSIS}/Power": {"Oem": {"Public": {"TotalPower": None}}}},
    ],
)
async def test_what_supplies_give_out_takes_no_place_of_what_goes_in(known: dict[str, Any]) -> None:
    supplies = [{"Name": name, "LastPowerOutputWatts": 120} for name in ("PSU1", "PSU2")]
    resources = machine() | {f"{CHASSIS}/Power": {"PowerSupplies": supplies}}
    assert (await searched(Tree(resources).source())).watts == 240
    for path, document in known.items():
        resources[path] = resources.get(path, {}) | document
    with pytest.raises(ReadError, match="is null: the BMC has no watts there now") as raised:
        await searched(Tree(resources).source())
    assert raised.value.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize("state", ["Off", "off", "OFF"])
async def test_a_machine_that_is_off_is_so_in_any_letter_case(state: str) -> None:
    resources = machine() | power(CHASSIS, 400)
    resources[SYSTEM]["PowerState"] = state
    with pytest.raises(ReadError) as raised:
        await searched(Tree(resources).source())
    assert raised.value.reason is Reason.POWERED_OFF


@pytest.mark.parametrize("gone", [f"{CHASSIS}/Power", CHASSIS])
@pytest.mark.parametrize("resources", SHAPES.values(), ids=SHAPES)
async def test_a_chassis_whose_resources_are_gone_is_not_left_for_another(
    resources: dict[str, Any], gone: str
) -> None:
    served = Tree(resources)
    source = served.source()
    assert (await searched(source)).watts == 900
    for path in [path for path in served.resources if path.startswith(gone)]:
        del served.resources[path]
    with pytest.raises(ReadError, match=r"redfish\.chassis; there are: .*Other") as raised:
        await searched(source)
    assert raised.value.reason is Reason.NO_POWER_SENSOR
