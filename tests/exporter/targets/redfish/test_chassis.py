"""Which chassis is the machine's: shapes of which no emulator has all, and JSON of every kind."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.chassis import MachineChassis, find_machine

SYSTEMS, CHASSIS = "/redfish/v1/Systems", "/redfish/v1/Chassis"


def service(systems: Mapping[str, Any], chassis: Mapping[str, Any]) -> dict[str, Any]:
    """Make the resources of a service; names stand for paths in their links."""
    resources: dict[str, Any] = {}
    for base, listed in ((SYSTEMS, systems), (CHASSIS, chassis)):
        paths = [f"{base}/{name}" for name in listed]
        resources[base] = {"Members": [{"@odata.id": path} for path in paths]}
        for path, document in zip(paths, listed.values(), strict=True):
            resources[path] = {"@odata.id": path, "Id": path.rpartition("/")[2], **document}
    return resources


def system(*chassis: str, **more: Any) -> dict[str, Any]:
    return {"PowerState": "On", "Links": {"Chassis": [_to(CHASSIS, c) for c in chassis]}, **more}


def chassis(*systems: str, inside: str | None = None, kind: str = "RackMount") -> dict[str, Any]:
    links: dict[str, Any] = {"ComputerSystems": [_to(SYSTEMS, each) for each in systems]}
    if inside:
        links["ContainedBy"] = _to(CHASSIS, inside)
    return {"ChassisType": kind, "Links": links}


def _to(base: str, name: str) -> dict[str, str]:
    return {"@odata.id": f"{base}/{name}"}


def find(resources: Mapping[str, Any], option: str | None = None) -> MachineChassis:
    async def look(path: str) -> Any:
        return resources.get(path)

    return asyncio.run(find_machine(look, option))


def names(resources: Mapping[str, Any], option: str | None = None) -> list[str]:
    return [find(resources, option).chassis["Id"]]


def test_a_blade_is_not_taken_for_the_enclosure_that_holds_others() -> None:
    resources = service(
        {"b1": system("blade")},
        {"enclosure": chassis(kind="Enclosure"), "blade": chassis("b1", inside="enclosure")},
    )
    assert names(resources) == ["blade"]


@pytest.mark.parametrize(("name", "count"), [("ComputerSystems", 4), ("Contains", 1)])
def test_a_chassis_that_counts_more_than_it_lists_may_hold_other_machines(
    name: str, count: int
) -> None:
    resources = service({"s": system("box")}, {"box": chassis("s")})
    resources[f"{CHASSIS}/box"]["Links"][f"{name}@odata.count"] = count
    with pytest.raises(ReadError, match=r"box may hold other machines.*redfish\.chassis") as raised:
        find(resources)
    assert raised.value.reason is Reason.NO_POWER_SENSOR
    assert names(resources, "box") == ["box"]


@pytest.mark.parametrize("count", [1, 0, -1, None, "4", [4]])
def test_a_count_of_no_more_than_the_machines_system_is_no_doubt(count: Any) -> None:
    resources = service({"s": system("box")}, {"box": chassis("s"), "bare": chassis()})
    for each in ("box", "bare"):
        resources[f"{CHASSIS}/{each}"]["Links"]["ComputerSystems@odata.count"] = count
        resources[f"{SYSTEMS}/s"]["Links"]["Chassis"] = [_to(CHASSIS, each)]
        assert names(resources) == [each]


def test_systems_that_are_counted_and_not_listed_are_a_doubt() -> None:
    resources = service({"s": system("box")}, {"box": chassis("s")})
    resources[SYSTEMS]["Members@odata.count"] = 1
    assert names(resources) == ["box"]
    resources[SYSTEMS]["Members@odata.count"] = 4
    with pytest.raises(ReadError, match="counts 4 systems and lists 1: name one in redfish"):
        find(resources)


def test_chassis_that_a_system_counts_and_does_not_list_are_a_doubt() -> None:
    resources = service({"s": system("box")}, {"box": chassis("s"), "x": chassis("s")})
    resources[f"{SYSTEMS}/s"]["Links"]["Chassis@odata.count"] = 1
    assert names(resources) == ["box"]
    resources[f"{SYSTEMS}/s"]["Links"]["Chassis@odata.count"] = 2
    with pytest.raises(ReadError, match="system counts 2 chassis and lists 1: name one in redf"):
        find(resources)
    assert names(resources, "box") == ["box"]


def test_a_system_that_is_listed_and_cannot_be_read_is_a_doubt() -> None:
    resources = service(
        {"s": system("box"), "other": system("box")}, {"box": chassis("s", kind="Enclosure")}
    )
    resources[f"{SYSTEMS}/other"] = None
    with pytest.raises(ReadError, match=r"lists, other cannot be read: name one in redf") as raised:
        find(resources)
    assert raised.value.reason is Reason.NO_POWER_SENSOR
    resources[f"{SYSTEMS}/s"] = None
    with pytest.raises(ReadError, match="s, other cannot be read"):
        find(resources)


def test_a_baseboard_of_gpus_that_cannot_be_read_is_no_other_machine() -> None:
    resources = service(
        {"HGX_Baseboard_0": system("box"), "s": system("box")}, {"box": chassis("s")}
    )
    resources[f"{SYSTEMS}/HGX_Baseboard_0"] = None
    assert names(resources) == ["box"]


@pytest.mark.parametrize("kind", ["Module", "RackMount"])
def test_a_chassis_beside_one_of_the_system_that_cannot_be_read_is_a_doubt(kind: str) -> None:
    resources = service(
        {"s": system("box", "gpu")}, {"box": chassis("s"), "gpu": chassis(kind=kind)}
    )
    assert names(resources) == ["box"]
    resources[f"{CHASSIS}/box"] = None
    with pytest.raises(ReadError, match="may be the machine, box cannot be read"):
        find(resources)
    resources = service(
        {"s": system("box", "gpu")}, {"box": chassis("s"), "gpu": chassis(kind=kind)}
    )
    resources[f"{CHASSIS}/gpu"] = None
    assert names(resources) == ["box"]


def test_a_part_is_not_the_machine_where_a_chassis_beside_it_cannot_be_read() -> None:
    listed = {"m": chassis("s", kind="Module"), "box": chassis("s")}
    resources = service({"s": system("m")}, listed)
    assert names(resources) == ["box"]
    resources[f"{CHASSIS}/box"] = None
    with pytest.raises(ReadError, match="may be the machine, box cannot be read"):
        find(resources)
    resources = service({"s": system("m")}, {"m": chassis("s", kind="Module")})
    resources[CHASSIS]["Members@odata.count"] = 2
    with pytest.raises(ReadError, match="may be the machine, 1 more only counted"):
        find(resources)


def test_an_enclosure_beside_a_chassis_that_cannot_be_read_may_hold_other_machines() -> None:
    resources = service(
        {"s": system("box")}, {"box": chassis("s", kind="Enclosure"), "x": chassis(kind="Module")}
    )
    assert names(resources) == ["box"]
    resources[f"{CHASSIS}/x"] = None
    with pytest.raises(ReadError, match="box may hold other machines"):
        find(resources)


@pytest.mark.parametrize("counted", [False, True])
def test_the_only_chassis_without_a_system_is_a_doubt_beside_an_unknown_one(counted: bool) -> None:
    resources = service({}, {"a": chassis(), "b": chassis()})
    del resources[f"{CHASSIS}/b"]
    unknown = "b cannot be read"
    if counted:
        resources[CHASSIS] = {"Members": [_to(CHASSIS, "a")], "Members@odata.count": 2}
        unknown = "1 more only counted"
    with pytest.raises(ReadError, match=f"of the chassis, {unknown}, and there is no system"):
        find(resources)
    assert names(resources, "a") == ["a"]


def test_a_pdu_beside_one_that_cannot_be_read_is_a_doubt() -> None:
    pdus = f"{EQUIPMENT}/RackPDUs"
    resources: dict[str, Any] = {EQUIPMENT: {"RackPDUs": {"@odata.id": pdus}}}
    resources[pdus] = {"Members": [{"@odata.id": f"{pdus}/{n}"} for n in (1, 2)]}
    resources[f"{pdus}/1"] = {"@odata.id": f"{pdus}/1", "Id": "1"}
    with pytest.raises(ReadError, match="of the PDUs or power shelves, 2 cannot be read"):
        find(resources)
    resources[pdus]["Members"].pop()
    assert names(resources) == ["1"]


def test_the_chassis_around_one_that_holds_the_same_system_is_the_machine() -> None:
    resources = service(
        {"s": system("board")},
        {"box": chassis("s"), "board": chassis("s", inside="box", kind="Module")},
    )
    assert names(resources) == ["box"]


def containing(*names: str, kind: str = "Enclosure") -> dict[str, Any]:
    """Make a chassis that lists only the system `s`, and contains these."""
    holder = chassis("s", kind=kind)
    holder["Links"]["Contains"] = [_to(CHASSIS, name) for name in names]
    return holder


@pytest.mark.parametrize("named", [("node",), ("node", "enclosure"), ("enclosure", "node")])
@pytest.mark.parametrize("kind", ["Blade", "Sled"])
def test_a_blade_is_read_whatever_its_enclosure_lists(kind: str, named: tuple[str, ...]) -> None:
    node = chassis("s", inside="enclosure", kind=kind)
    resources = service({"s": system(*named)}, {"node": node, "enclosure": chassis("s")})
    assert names(resources) == ["node"]


SIBLINGS: dict[str, Any] = {
    "cannot be read": None,
    "blade": chassis(kind="Blade"),
    "empty sled": chassis(kind="Sled"),
    "of another system": chassis("other"),
    "module of another system": chassis("other", kind="Module"),
}


@pytest.mark.parametrize("sibling", SIBLINGS.values(), ids=SIBLINGS)
@pytest.mark.parametrize("kind", ["RackMount", "Module", "Component"])
def test_an_enclosure_that_contains_other_machines_is_not_read_for_one(
    kind: str, sibling: Any
) -> None:
    node = chassis("s", inside="enclosure", kind=kind)
    listed = {"node": node, "enclosure": containing("node", "sibling")}
    resources = service({"s": system("node")}, listed)
    if sibling:
        resources[f"{CHASSIS}/sibling"] = _to(CHASSIS, "sibling") | sibling
    if kind == "RackMount":
        assert names(resources) == ["node"]
    else:  # a part of what may be several machines
        with pytest.raises(ReadError, match="enclosure may hold other machines: name one in"):
            find(resources)
        assert names(resources, "node") == ["node"]


def without(holder: dict[str, Any], *links: str) -> dict[str, Any]:
    kept = {name: held for name, held in holder["Links"].items() if name not in links}
    return {**holder, "Links": kept}


BLADE = chassis("s", inside="enclosure", kind="Blade")
NOT_CONTAINED = without(BLADE, "ContainedBy")
NOT_NAMING = without(BLADE, "ComputerSystems")
# What a system may name alone, and what else its service lists: the machine is in it.
SHARED: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "a row": (chassis("s", kind="Row"), {}),
    "a rack of no system": (chassis(kind="Rack"), {}),
    "a rack of several systems": (chassis("s", "other", kind="Rack"), {}),
    "a rack beside a chassis": (chassis("s", kind="Rack"), {"x": chassis()}),
    "of several systems": (chassis("s", "other"), {}),
    "of another system": (chassis("other"), {}),
    "an enclosure of its own": (chassis(kind="Enclosure"), {}),
    "an enclosure beside a chassis": (chassis("s", kind="Enclosure"), {"x": chassis()}),
    "containing what cannot be read": (containing("hidden", kind="RackMount"), {}),
    "containing a blade": (containing("x", kind="RackMount"), {"x": NOT_NAMING}),
    "around a blade": (chassis("s"), {"x": NOT_NAMING}),
    "around a sled": (
        without(chassis(), "ComputerSystems"),
        {"x": NOT_NAMING | {"ChassisType": "Sled"}},
    ),
    "of other blades": (chassis(), {"x": chassis("other", inside="enclosure", kind="Blade")}),
}


@pytest.mark.parametrize(("named", "listed"), SHARED.values(), ids=SHARED)
def test_a_chassis_that_may_be_shared_is_not_read_though_the_system_names_no_other(
    named: dict[str, Any], listed: dict[str, Any]
) -> None:
    resources = service({"s": system("enclosure")}, {"enclosure": named, **listed})
    with pytest.raises(ReadError) as caught:
        find(resources)
    assert caught.value.reason is Reason.NO_POWER_SENSOR
    ids = ", ".join(["enclosure", *listed])
    message = "enclosure may hold other machines: name one in redfish.chassis; there are: " + ids
    assert str(caught.value) == message
    assert names(resources, "enclosure") == ["enclosure"]


@pytest.mark.parametrize("holder", [chassis("s"), chassis(), containing("blade"), containing()])
@pytest.mark.parametrize(
    ("kind", "blade"),
    [
        ("Enclosure", BLADE),
        ("Enclosure", NOT_CONTAINED),
        ("Rack", NOT_CONTAINED),
        ("RackMount", BLADE),
        ("RackMount", BLADE | {"ChassisType": "Sled"}),
    ],
)
def test_the_blade_that_names_the_system_is_read_where_the_system_names_what_it_is_in(
    holder: dict[str, Any], kind: str, blade: dict[str, Any]
) -> None:
    listed = {"enclosure": holder | {"ChassisType": kind}, "blade": blade}
    assert names(service({"s": system("enclosure")}, listed)) == ["blade"]


@pytest.mark.parametrize("named", [("node", "enclosure"), ("enclosure", "node")])
def test_a_blade_is_read_where_only_its_enclosure_says_what_is_in_it(
    named: tuple[str, ...],
) -> None:
    listed = {"node": NOT_CONTAINED, "enclosure": containing("node", kind="RackMount")}
    assert names(service({"s": system(*named)}, listed)) == ["node"]


@pytest.mark.parametrize(
    ("named", "listed"),
    [
        (chassis("s", kind="Enclosure"), {}),  # sushy-tools
        (chassis("s", kind="Enclosure"), {"x": chassis(kind="Module")}),
        (containing("x"), {"x": chassis("s", kind="Module")}),
        (containing("x"), {"x": chassis(kind="Component")}),
    ],
)
def test_an_enclosure_of_this_system_and_parts_is_the_machine(
    named: dict[str, Any], listed: dict[str, Any]
) -> None:
    resources = service({"s": system("enclosure")}, {"enclosure": named, **listed})
    assert names(resources) == ["enclosure"]


@pytest.mark.parametrize("parts", [{}, {"x": chassis(kind="Module")}, {"x": chassis(kind="Card")}])
def test_a_rack_of_this_system_alone_is_a_machine_as_of_cisco(parts: dict[str, Any]) -> None:
    resources = service({"s": system("1")}, {"1": chassis("s", kind="Rack"), **parts})
    assert names(resources) == ["1"]


def test_a_rack_that_contains_anything_is_no_machine() -> None:
    rack = chassis("s", kind="Rack")
    rack["Links"]["Contains"] = [_to(CHASSIS, "x")]
    resources = service({"s": system("1")}, {"1": rack, "x": chassis(kind="Module")})
    with pytest.raises(ReadError, match=r"1 may hold other machines: name one in redfish\.chassis"):
        find(resources)


@pytest.mark.parametrize("kind", ["Rack", "Row", "Pod", "RackGroup"])
def test_what_holds_racks_or_machines_is_none(kind: str) -> None:
    listed = {"node": chassis("s", inside="rack"), "rack": containing("node", kind=kind)}
    assert names(service({"s": system("node")}, listed)) == ["node"]


@pytest.mark.parametrize(
    "sibling",
    [
        chassis(kind="Module"),
        chassis("s", kind="Module"),
        chassis("HGX_Baseboard_0", kind="Module"),
        chassis("card", kind="Card"),
        chassis(kind="StorageEnclosure"),
        chassis(),
    ],
)
def test_parts_beside_the_board_are_in_one_machine(sibling: dict[str, Any]) -> None:
    listed = {
        "board": chassis("s", inside="box", kind="Module"),
        "box": containing("board", "part", kind="RackMount"),
        "part": sibling,
    }
    systems = {
        "s": system("board"),
        "HGX_Baseboard_0": system("part"),
        "card": system("part", SystemType="DPU"),
    }
    assert names(service(systems, listed)) == ["box"]


def test_modules_beside_the_machine_are_left_out() -> None:
    resources = service(
        {"s": system("gpu1", "box", "gpu2")},
        {"gpu1": chassis(kind="Module"), "box": chassis("s"), "gpu2": chassis(kind="Module")},
    )
    assert names(resources) == ["box"]


def test_parts_are_left_out_by_what_contains_them_whatever_they_call_themselves() -> None:
    resources = service(
        {"HGX_Baseboard_0": system("module"), "s": system("gpu", "module", "box")},
        {
            "gpu": chassis("HGX_Baseboard_0", inside="module"),
            "module": chassis("s", inside="box"),
            "box": chassis("HGX_Baseboard_0", "s"),
        },
    )
    assert names(resources) == ["box"]


def test_several_modules_are_no_machine() -> None:
    resources = service(
        {"s": system("gpu1", "gpu2")},
        {"gpu1": chassis(kind="Module"), "gpu2": chassis(kind="Module")},
    )
    with pytest.raises(ReadError, match="gpu1, gpu2") as caught:
        find(resources)
    assert caught.value.reason is Reason.NO_POWER_SENSOR


def test_where_a_system_names_parts_alone_the_whole_that_names_it_is_taken() -> None:
    resources = service(
        {"s": system("bmc"), "other": system("b", SystemType="DPU")},
        {
            "bmc": chassis("s", kind="Component"),
            "board": chassis("s", kind="Module"),
            "tray": chassis("s", kind="Shelf"),
            "b": chassis("other"),
        },
    )
    assert names(resources) == ["tray"]
    assert find(resources).own == {f"{SYSTEMS}/s", f"{CHASSIS}/tray"}


@pytest.mark.parametrize("kind", ["Module", "Card", "Component", "Cartridge"])
def test_a_part_is_the_machine_where_there_is_no_other_chassis_alone(kind: str) -> None:
    part = chassis("s", kind=kind)
    assert names(service({"s": system("m")}, {"m": part})) == ["m"]
    for beside in (chassis(), chassis(kind="Module"), chassis(kind="StorageEnclosure")):
        resources = service({"s": system("m")}, {"m": part, "x": beside})
        with pytest.raises(ReadError, match=r"is a whole machine: name one in redfish\.chassis"):
            find(resources)
        assert names(resources, "m") == ["m"]


@pytest.mark.parametrize("links", [("a", "b"), ("b", "a"), ()])
def test_the_chassis_that_names_the_system_comes_before_one_that_names_none(
    links: tuple[str, ...],
) -> None:
    resources = service({"s": system(*links)}, {"a": chassis(), "b": chassis("s")})
    assert names(resources) == ["b"]


BOXES = st.sampled_from(["RackMount", "StandAlone", "Shelf", "Sidecar", "Other", "Blade", "Sled"])


@given(st.lists(BOXES, min_size=2, max_size=4), st.booleans(), st.booleans())
def test_several_chassis_of_one_system_beside_each_other_are_a_doubt(
    kinds: list[str], naming: bool, linked: bool
) -> None:
    systems = ("s",) if naming else ()
    listed = {f"box{n}": chassis(*systems, kind=kind) for n, kind in enumerate(kinds)}
    resources = service({"s": system(*(listed if linked else ()))}, listed)
    with pytest.raises(ReadError, match=r"name one in redfish\.chassis; there are: box0, box1"):
        find(resources)
    for name in listed:
        assert names(resources, name) == [name]


@pytest.mark.parametrize("links", [("other",), ("other", "part"), ("part",), ()])
@pytest.mark.parametrize("part", [{}, {"part": chassis("s", kind="Module")}])
@pytest.mark.parametrize("held", [("gpus",), ("gpus", "s")])
def test_a_board_of_gpus_is_never_the_machine_of_its_host(
    held: tuple[str, ...], part: dict[str, Any], links: tuple[str, ...]
) -> None:
    links = tuple("HGX_Chassis_0" if link == "other" else link for link in links)
    systems = {"s": system(*links), "HGX_Baseboard_0": system("HGX_Chassis_0")}
    held = tuple("HGX_Baseboard_0" if name == "gpus" else name for name in held)
    resources = service(systems, {"HGX_Chassis_0": chassis(*held), **part})
    with pytest.raises(ReadError, match=r"name one in redfish\.chassis; there are: HGX_Chass"):
        find(resources)
    resources |= service(systems, {"HGX_Chassis_0": chassis(*held), "host": chassis("s"), **part})
    if not links or links == ("part",):
        assert names(resources) == ["host"]


def test_a_chassis_that_lists_another_system_alone_is_not_the_machine() -> None:
    systems = {"s": system("x", "box"), "dpu": system("x", SystemType="DPU")}
    for kind in ("RackMount", "Other", "StandAlone"):
        for own in (chassis(), chassis("s")):
            resources = service(systems, {"x": chassis("dpu", kind=kind), "box": own})
            assert names(resources) == ["box"]


def test_a_board_of_gpus_alone_is_a_machine() -> None:
    board = {"HGX_Chassis_0": chassis("HGX_Baseboard_0")}
    resources = service({"HGX_Baseboard_0": system("HGX_Chassis_0")}, board)
    assert names(resources) == ["HGX_Chassis_0"]


@pytest.mark.parametrize("holder", ["Enclosure", "Other", "Shelf", "Drawer", "Sidecar", ""])
@pytest.mark.parametrize("inner", ["RackMount", "StandAlone", "Other", ""])
@pytest.mark.parametrize("by", ["Contains", "ContainedBy", "both"])
def test_a_chassis_around_what_may_be_a_machine_is_shared_unless_it_is_one_by_type(
    holder: str, inner: str, by: str
) -> None:
    node = chassis("s", inside=None if by == "Contains" else "out", kind=inner)
    outer = chassis("s", kind=holder) if by == "ContainedBy" else containing("node", kind=holder)
    for links in (("node",), ("out", "node"), ("node", "out")):
        if by == "Contains" and len(links) == 2 and holder != "Enclosure":
            continue
        resources = service({"s": system(*links)}, {"out": outer, "node": node})
        assert names(resources) == ["node"]
    for kind in ("RackMount", "StandAlone"):
        resources["/redfish/v1/Chassis/out"] |= {"ChassisType": kind}
        if by != "Contains":
            assert names(resources) == ["out"]


@pytest.mark.parametrize("name", ["Riser", "PCIeSlots", "NVMe_Backplane"])
def test_a_chassis_without_a_type_is_a_part_where_its_id_means_one(name: str) -> None:
    box, bare = chassis("s", kind="Enclosure"), chassis(kind="")
    assert names(service({"s": system("box")}, {"box": box, name: bare})) == ["box"]
    for other in ({name: chassis(kind="RackMount")}, {f"{name}_Server": bare}, {"x": bare}):
        with pytest.raises(ReadError, match="box may hold other machines"):
            find(service({"s": system("box")}, {"box": box, **other}))


@pytest.mark.parametrize("unlinked", [False, True])
@pytest.mark.parametrize("name", ["x", "box2", "GPU-Node2", "Storage-Server1"])
def test_a_chassis_that_cannot_be_read_may_be_the_machine_unless_it_is_not_served(
    name: str, unlinked: bool
) -> None:
    links = () if unlinked else ("box", name)
    resources = service({"s": system(*links)}, {"box": chassis("s"), name: chassis()})
    resources[f"{CHASSIS}/{name}"] = None
    with pytest.raises(ReadError, match=f"may be the machine, {name} cannot be read"):
        find(resources)
    resources[CHASSIS]["Members"].pop()
    assert names(resources) == ["box"]


@pytest.mark.parametrize("name", ["Riser3", "Enclosure.Internal.0-1:RAID.SL.3-1", "GPU_SXM_1"])
def test_a_part_by_its_id_that_cannot_be_read_is_no_other_machine(name: str) -> None:
    box = containing(name, kind="RackMount")
    resources = service({"s": system("box", name)}, {"box": box, name: chassis()})
    resources[f"{CHASSIS}/{name}"] = None
    assert names(resources) == ["box"]
    resources[f"{SYSTEMS}/s"]["Links"]["Chassis"] = [_to(CHASSIS, "box")]
    assert names(resources) == ["box"]


def test_a_dpu_is_not_another_machine() -> None:
    resources = service(
        {"s": system("box"), "dpu": system("card", SystemType="DPU")},
        {"box": chassis("s"), "card": chassis("dpu", inside="box", kind="Card")},
    )
    assert names(resources) == ["box"]


PARTS_BY_ID = ["PSU1", "Delta_AC_F1_PSU", "Riser_1", "NVMe_Backplane", "GPU_Chassis"]


@pytest.mark.parametrize("name", PARTS_BY_ID)
def test_a_rack_mount_with_the_id_of_a_part_is_a_doubt_beside_another_of_the_system(
    name: str,
) -> None:
    resources = service({"s": system(name)}, {name: chassis("s"), "Baseboard": chassis("s")})
    with pytest.raises(ReadError, match=f"may be in any of {name}, Baseboard"):
        find(resources)


@pytest.mark.parametrize("name", PARTS_BY_ID)
@pytest.mark.parametrize("other", [chassis(), chassis("s", kind="Module"), chassis("t")])
def test_a_rack_mount_with_the_id_of_a_part_is_the_machine_where_no_other_lists_the_system(
    name: str, other: dict[str, Any]
) -> None:
    resources = service({"s": system(name)}, {name: chassis("s"), "other": other})
    assert names(resources) == [name]


@pytest.mark.parametrize("name", [*PARTS_BY_ID, "Baseboard"])
def test_a_supply_is_no_doubt_beside_the_chassis_that_is_around_it(name: str) -> None:
    around = chassis("s")
    around["Links"]["Contains"] = [_to(CHASSIS, "PSU2")]
    resources = service({"s": system(name)}, {name: around, "PSU2": chassis("s", inside=name)})
    assert names(resources) == [name]


@pytest.mark.parametrize("name", ["DPU1", "Bluefield", "dpu", "Card2_DPU"])
def test_a_dpu_without_a_type_is_known_by_its_id(name: str) -> None:
    resources = service({"s": system("box"), name: system()}, {"box": chassis("s")})
    assert names(resources) == ["box"]


@pytest.mark.parametrize("name", ["dpu-node-2", "Node2", "Storage", "2"])
def test_a_system_without_a_type_is_another_machine_unless_its_id_says_dpu(name: str) -> None:
    resources = service({"s": system("box"), name: system()}, {"box": chassis("s")})
    with pytest.raises(ReadError, match="several systems"):
        find(resources)


def test_a_power_shelf_has_a_chassis_and_no_system() -> None:
    resources = service({}, {"shelf": chassis(kind="PowerStrip")})
    assert names(resources) == ["shelf"]


def test_several_chassis_without_a_system_are_listed_to_choose_from() -> None:
    resources = service({}, {"a": chassis(), "b": chassis()})
    with pytest.raises(ReadError, match="a, b"):
        find(resources)
    assert names(resources, "b") == ["b"]


def test_the_state_is_the_systems_else_the_chassis() -> None:
    resources = service({"s": system("box")}, {"box": chassis("s") | {"PowerState": "On"}})
    assert find(resources).state == f"{SYSTEMS}/s"
    assert find(resources, "box").state == f"{SYSTEMS}/s"
    del resources[f"{SYSTEMS}/s"]["PowerState"]
    assert find(resources).state == f"{CHASSIS}/box"


NODES = service({"a": system("n1"), "b": system("n2")}, {"n1": chassis(), "n2": chassis()})


def test_a_chassis_that_the_settings_name_has_the_system_that_names_it() -> None:
    found = find(NODES, "n2")
    assert found.state == f"{SYSTEMS}/b"
    assert found.own == {f"{SYSTEMS}/b", f"{CHASSIS}/n2"}


@pytest.mark.parametrize("kind", ["Enclosure", "Rack", "Pod"])
def test_a_chassis_that_may_hold_several_is_not_that_of_the_one_system_that_names_it(
    kind: str,
) -> None:
    resources = service({"a": system("n", "e")}, {"n": chassis("a"), "e": chassis(kind=kind)})
    assert find(resources, "e").state is None
    assert find(resources, "e").own == {f"{CHASSIS}/e"}


@pytest.mark.parametrize("other", [system("n1"), None])
def test_a_chassis_that_several_systems_may_name_is_of_none(other: dict[str, Any] | None) -> None:
    resources = NODES | {f"{SYSTEMS}/b": other and {**other, "@odata.id": f"{SYSTEMS}/b"}}
    assert find(resources, "n1").own == {f"{CHASSIS}/n1"}


LINKS = ["@odata.id", "Members", "Links", "Chassis", "ComputerSystems"]
LINKS += ["ContainedBy", "Contains"]
KEYS = st.sampled_from([*LINKS, "Id", "ChassisType", "SystemType", "PowerState", "RackPDUs"])
EQUIPMENT = "/redfish/v1/PowerEquipment"
FOUND = [SYSTEMS, CHASSIS, f"{SYSTEMS}/1", f"{CHASSIS}/1", f"{CHASSIS}/2", EQUIPMENT]
PATHS = st.sampled_from(FOUND)
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | PATHS | st.sampled_from(["Blade", "Rack"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(PATHS, JSON), st.sampled_from([None, "1"]))
def test_any_service_has_a_machine_or_a_reason(
    resources: dict[str, Any], option: str | None
) -> None:
    try:
        assert find(resources, option).chassis
    except ReadError as error:
        assert error.reason is Reason.NO_POWER_SENSOR
