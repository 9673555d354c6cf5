"""Makers' quirks: what our sources and other people's clients read from each is the machine's watts."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sushy
from sushy import auth

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.faults.device_faults import Fault, Faults
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from rackwatt_exporter.simulator.redfish.tree import ROOT
from rackwatt_exporter.simulator.redfish.vendors import _VENDORS
from rackwatt_exporter.simulator.vendors import VENDORS
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.exporter.targets.ipmi.driven import driven
from tests.exporter.targets.redfish.fleet import target_at, write_secrets
from tests.peers.ipmi_tools import Asker
from tests.peers.ports import free_ports

LOOPS = ("attended",)
ADDRESS = "127.45.0.1"
WATTS = 486.0
SENSIBLE = [name for name in VENDORS if name != "nonsense"]
OPTIONS = {"cray-ex": {"chassis": "Node1"}}


@dataclass
class Place:
    machine: SimulatedMachine
    ipmi: int
    redfish: int
    authority: Path


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    ipmi, redfish = free_ports(2)
    machine = SimulatedMachine("n1", ADDRESS, WATTS, WATTS)
    files, authority = write_files(tmp_path / "certificate", [ADDRESS])
    (tmp_path / "ca.crt").write_bytes(authority)
    servers = (
        IpmiServer({ADDRESS: machine}, ipmi),
        RedfishServer({ADDRESS: machine}, redfish, *files),
    )
    for server in servers:
        await server.start()
    yield Place(machine, ipmi, redfish, tmp_path / "ca.crt")
    for server in servers:
        await server.close()


def test_every_vendor_shows_something_of_its_own() -> None:
    assert _VENDORS.keys() == VENDORS.keys() - {"generic"}


@pytest.mark.parametrize("vendor", SENSIBLE)
async def test_our_redfish_source_reads_the_machines_watts(
    place: Place, tmp_path: Path, vendor: str
) -> None:
    place.machine.vendor = VENDORS[vendor]
    secrets = write_secrets(tmp_path, place.authority)
    (secrets / "bmc/username").write_text("monitor")
    (secrets / "bmc/password").write_text("simulated")
    driver = RedfishDriver(Secrets(secrets))
    source = driver.source(target_at(ADDRESS, place.redfish, **OPTIONS.get(vendor, {})))
    assert (await source.read()).watts == WATTS
    place.machine.powered_on = False
    with pytest.raises(ReadError) as caught:
        for _ in range(3):  # a vendor's supplies may repeat the last watts
            await source.read()
    assert caught.value.reason in (Reason.POWERED_OFF, Reason.SENSOR_UNREADABLE)
    await source.close()
    await driver.close()


@contextmanager
def openstacks_client(place: Place) -> Iterator[sushy.Sushy]:
    login = auth.SessionAuth("monitor", "simulated")
    url = f"https://{ADDRESS}:{place.redfish}"
    yield sushy.Sushy(url, verify=str(place.authority), auth=login)
    login.close()


@pytest.mark.parametrize("vendor", SENSIBLE)
async def test_openstacks_client_finds_its_way(place: Place, vendor: str) -> None:
    place.machine.vendor = VENDORS[vendor]

    def read() -> set[str]:
        with openstacks_client(place) as service:
            systems = service.get_system_collection().get_members()
            return {each.power_state.value for each in systems}

    assert await asyncio.to_thread(read) == {"On"}


async def test_openstacks_client_meets_nvidias_parts_before_the_whole(place: Place) -> None:
    place.machine.vendor = VENDORS["hgx"]

    def watts(each: Any) -> float:
        path = each.json["EnvironmentMetrics"]["@odata.id"]
        return float(each._conn.get(path).json()["PowerWatts"]["Reading"])

    def read() -> tuple[list[Any], list[float], list[float]]:
        with openstacks_client(place) as service:
            chassis = service.get_chassis_collection().get_members()
            gpus = service.get_system(f"{ROOT}/Systems/HGX_Baseboard_0").processors.get_members()
            return chassis, [watts(each) for each in chassis], [watts(each) for each in gpus]

    chassis, (*modules, host), gpus = await asyncio.to_thread(read)
    assert host == WATTS
    assert 0 < sum(gpus) < sum(modules) < WATTS
    *inside, outside = chassis
    assert {each.json["Links"]["ContainedBy"]["@odata.id"] for each in inside} == {outside.path}
    contained = [each["@odata.id"] for each in outside.json["Links"]["Contains"]]
    assert contained == [each.path for each in inside]


@pytest.mark.parametrize(
    "vendor", ["generic", "supermicro-x11", "cisco", "not-measuring", "idrac8"]
)
async def test_our_ipmi_source_reads_the_sensors_where_dcmi_has_no_watts(
    place: Place, tmp_path: Path, vendor: str
) -> None:
    place.machine.vendor = VENDORS[vendor]
    end: Any = type("End", (), {"address": ADDRESS, "port": place.ipmi})
    async with driven(tmp_path) as made:
        source = made.source(end, "simulated", "user", sensors=("PSU1 PIN", "PSU2 PIN"))
        reading = await source.read()
    assert reading.watts == WATTS
    assert reading.source == (
        "dcmi" if place.machine.vendor.dcmi == "watts" else "sensor:PSU1 PIN+PSU2 PIN"
    )


async def test_ipmitool_meets_the_same_quirks(place: Place) -> None:
    suite17, suite3 = (
        Asker(ADDRESS, place.ipmi, "monitor", "simulated", n, "user") for n in (17, 3)
    )
    place.machine.vendor = VENDORS["supermicro-x11"]
    assert await asyncio.to_thread(suite17.ipmitool_watts) == 0
    place.machine.vendor = VENDORS["idrac8"]
    assert await asyncio.to_thread(suite3.ipmitool_watts) == WATTS
    with pytest.raises(AssertionError):
        await asyncio.to_thread(suite17.ipmitool_watts)
    place.machine.vendor = VENDORS["cisco"]
    with pytest.raises(AssertionError, match="Invalid command"):
        await asyncio.to_thread(suite3.ipmitool_watts)


async def test_freeipmi_is_let_in_where_it_names_the_privilege_it_wants(place: Place) -> None:
    ask = Asker(ADDRESS, place.ipmi, "monitor", "simulated", 17, "user")
    assert await asyncio.to_thread(ask.freeipmi_watts, "none") == WATTS
    place.machine.vendor = VENDORS["supermicro-x14"]
    assert await asyncio.to_thread(ask.freeipmi_watts) == WATTS
    with pytest.raises(AssertionError):
        await asyncio.to_thread(ask.freeipmi_watts, "none")


@pytest.mark.parametrize(
    ("vendor", "path", "code"),
    [
        ("generic", "SessionService/Sessions", "SessionLimitExceeded"),
        ("idrac8", "Sessions", "RAC0218"),
        ("idrac9", "SessionService/Sessions", "RAC0218"),
    ],
)
async def test_sessions_are_as_many_and_where_the_maker_has_them(
    place: Place, vendor: str, path: str, code: str
) -> None:
    place.machine.vendor = VENDORS[vendor]
    account = {"UserName": "monitor", "Password": "simulated"}
    url = f"https://{ADDRESS}:{place.redfish}/redfish/v1"
    async with httpx.AsyncClient(verify=False) as client:
        for _ in range(VENDORS[vendor].sessions):
            assert (await client.post(f"{url}/{path}", json=account)).status_code == 201
        refused = await client.post(f"{url}/{path}", json=account)
        assert refused.status_code == 503
        assert code in refused.text
        if vendor == "idrac8":
            elsewhere = await client.post(f"{url}/SessionService/Sessions", json=account)
            assert elsewhere.status_code == 405


def test_what_a_machine_was_like_comes_back_when_a_fault_ends() -> None:
    machine = SimulatedMachine("n1", ADDRESS)
    faults = Faults([machine])
    before = machine.login
    faults.set(
        ADDRESS, Fault(powered_off=True, sessions=2, wrong_credentials=True, new_engine=True)
    )
    assert not machine.powered_on
    assert machine.max_sessions == 2
    assert machine.login is not before
    faults.apply({})
    assert machine == SimulatedMachine("n1", ADDRESS)
