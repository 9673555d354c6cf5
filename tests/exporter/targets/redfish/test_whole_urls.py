"""Links that are no paths: a service's own URLs are followed, and anything else is not known."""

from typing import Any

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.targets.redfish.tree import ROOT, Tree, collection, link, machine, searched

CHASSIS, SYSTEMS, SYSTEM = f"{ROOT}/Chassis/1", f"{ROOT}/Systems", f"{ROOT}/Systems/1"
CONTROL = {"Name": "System Power Control", "PowerConsumedWatts": 400}
POWER = {f"{CHASSIS}/Power": {**link(f"{CHASSIS}/Power"), "PowerControl": [CONTROL]}}
OWN = ["https://192.0.2.1", "https://192.0.2.1:443"]
FOREIGN = ["https://192.0.2.2", "http://192.0.2.1", "https://192.0.2.1:8443", "https://bmc.example"]
NO_LINKS: list[Any] = [{"Id": "2", "PowerState": "On"}, f"{ROOT}/Systems/2", {}, None, 2]


def served(origin: str, *paths: str) -> dict[str, Any]:
    """Make a machine whose links to some resources are whole URLs."""

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: whole(each) for key, each in value.items()}
        if isinstance(value, list):
            return [whole(each) for each in value]
        return origin + value if value in paths else value

    return {path: whole(document) for path, document in (machine() | POWER).items()}


@pytest.mark.parametrize("origin", OWN)
@pytest.mark.parametrize("path", [SYSTEM, CHASSIS, f"{CHASSIS}/Power"])
async def test_a_url_of_the_service_itself_is_a_path(path: str, origin: str) -> None:
    reading = await searched(Tree(served(origin, path)).source())
    assert (reading.watts, reading.source) == (400, "Chassis/1/Power#PowerControl/0")


@pytest.mark.parametrize("origin", OWN)
async def test_two_systems_by_urls_of_the_service_are_two(origin: str) -> None:
    resources = machine() | POWER | {f"{SYSTEMS}/2": {**link(f"{SYSTEMS}/2"), "Id": "2"}}
    resources[SYSTEMS] = collection(f"{origin}{SYSTEM}", f"{origin}{SYSTEMS}/2")
    await doubted(resources, r"serves several systems \(1, 2\)")


async def doubted(resources: dict[str, Any], match: str) -> None:
    service = Tree(resources)
    with pytest.raises(ReadError, match=match) as raised:
        await searched(service.source())
    assert raised.value.reason is Reason.NO_POWER_SENSOR
    assert "redfish.chassis; there are: 1" in str(raised.value)
    assert all(path.startswith("/redfish") for path in service.requests)


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_url_of_another_service_is_a_system_that_is_not_known(origin: str) -> None:
    await doubted(served(origin, SYSTEM), "lists, 1 cannot be read")
    resources = machine() | POWER
    resources[SYSTEMS]["Members@odata.nextLink"] = f"{origin}{SYSTEMS}?$skip=1"
    await doubted(resources, "cannot be read")


@pytest.mark.parametrize("again", [f"{SYSTEM}/", SYSTEM, f"{SYSTEM}//"])
async def test_a_member_that_is_listed_twice_is_one_with_a_slash_or_without(again: str) -> None:
    resources = machine() | POWER
    resources[SYSTEMS] = collection(SYSTEM, again)
    assert (await searched(Tree(resources).source())).watts == 400


@pytest.mark.parametrize("member", NO_LINKS)
async def test_a_system_without_a_link_is_not_known(member: Any) -> None:
    resources = machine() | POWER
    resources[SYSTEMS]["Members"].append(member)
    await doubted(resources, "cannot be read")


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("name", ["Contains", "ComputerSystems"])
async def test_what_a_chassis_lists_by_urls_of_another_service_may_be_machines(
    name: str, origin: str
) -> None:
    there = [link(f"{origin}{ROOT}/{kind}/9") for kind in ("Chassis", "Systems")]
    resources = machine(ChassisType="RackMount", Links={name: there}) | POWER
    await doubted(resources, "1 may hold other machines")


@pytest.mark.parametrize("following", [f"{SYSTEMS}?page=2", f"https://192.0.2.1{SYSTEMS}?page=2"])
async def test_a_page_that_cannot_be_read_may_list_other_systems(following: str) -> None:
    resources = machine() | POWER
    resources[SYSTEMS]["Members@odata.nextLink"] = following
    resources[f"{SYSTEMS}?page=2"] = {"!status": 404}
    await doubted(resources, "page=2 cannot be read")
    resources[f"{SYSTEMS}?page=2"] = collection(following=SYSTEMS)
    assert (await searched(Tree(resources).source())).watts == 400
