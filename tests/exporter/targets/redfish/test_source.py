"""Power over Redfish, against the real sushy-emulator; the oracle is its own values over httpx."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason, Statistics
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.targets.redfish import shapes as shapes
from tests.exporter.targets.redfish.fleet import error_of, reason_of, target_of, write_secrets
from tests.peers.sushy import CHASSIS, Sushy, sushy

LOOPS = ("uvloop",)

ENVIRONMENT_REQUEST = f"GET {shapes.ENVIRONMENT_PATH}"
SYSTEM_REQUEST = f"GET {shapes.SYSTEM_PATH}"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sushy]:
    with sushy(tmp_path_factory.mktemp("sushy")) as running:
        yield running


@pytest.fixture
def peer(emulator: Sushy) -> Sushy:
    emulator.as_new()
    return emulator


@pytest.fixture
async def driver(
    peer: Sushy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RedfishDriver]:
    monkeypatch.setattr("rackwatt_exporter.protocols.redfish.login.CLOSE_TIMEOUT_S", PATIENCE_S)
    made = RedfishDriver(Secrets(write_secrets(tmp_path, peer.authority)))
    yield made
    await made.close()


async def watts_of(driver: RedfishDriver, peer: Sushy, **options: Any) -> tuple[float, str]:
    source = driver.source(target_of(peer, **options))
    reading = await source.read()
    await source.close()
    return reading.watts, reading.source


async def test_watts_are_the_emulators_own_and_energy_is_in_joules(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.environment(374.5, EnergykWh={"Reading": 12.5}))
    source = driver.source(target_of(peer))
    reading = await source.read()
    truth = peer.get(shapes.ENVIRONMENT_PATH)
    assert reading.watts == truth["PowerWatts"]["Reading"] == 374.5
    assert reading.joules == truth["EnergykWh"]["Reading"] * 3_600_000
    assert reading.source == f"Chassis/{CHASSIS}/EnvironmentMetrics#PowerWatts"
    await source.close()


async def test_a_lifetime_counter_is_preferred_to_one_that_can_be_reset(
    peer: Sushy, driver: RedfishDriver
) -> None:
    energy = {"EnergyJoules": {"Reading": 5.0}, "EnergykWh": {"Reading": 1, "LifetimeReading": 20}}
    peer.configure(routes=shapes.environment(374.0, **energy))
    source = driver.source(target_of(peer))
    assert (await source.read()).joules == 20 * 3_600_000
    await source.close()


async def test_a_place_found_is_remembered_and_one_get_reads_it(
    peer: Sushy, driver: RedfishDriver
) -> None:
    source = driver.source(target_of(peer))
    peer.configure(routes=shapes.environment(300.0))
    await source.read()
    before = peer.requests()
    for watts in (301.0, 302.0, 303.0):
        peer.configure(routes=shapes.environment(watts))
        assert (await source.read()).watts == watts
    assert peer.requests()[len(before) :] == [ENVIRONMENT_REQUEST] * 3
    assert before.count("POST /redfish/v1/SessionService/Sessions") == 1
    await source.close()


async def test_a_resource_that_is_gone_is_searched_again(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes={**shapes.environment(374.0), **shapes.power(344.0)})
    source = driver.source(target_of(peer))
    assert (await source.read()).watts == 374
    peer.configure(routes={shapes.ENVIRONMENT_PATH: shapes.NOT_THERE})
    assert (await source.read()).watts == 344
    await source.close()


@pytest.mark.parametrize("nothing", [None, 0])
async def test_null_and_0_watts_are_no_reading_and_the_next_place_is_tried(
    peer: Sushy, driver: RedfishDriver, nothing: float | None
) -> None:
    peer.configure(routes={**shapes.environment(374.0), **shapes.power(344.0)})
    source = driver.source(target_of(peer))
    await source.read()
    peer.configure(routes=shapes.environment(nothing))
    assert (await source.read()).watts == 344
    await source.close()


# Each row adds a place that comes before those of the rows above it.
ORDER: list[tuple[dict[str, Any], float]] = [
    (shapes.outputs(160, 155), 315),
    (shapes.DELL_17G_SENSORS, 412),
    (shapes.subsystem(150.5, 149.5), 300),
    (shapes.supplies(170, 165), 335),
    (shapes.power(344), 344),
    (shapes.environment(374), 374),
]


async def test_what_supplies_give_out_never_replaces_a_control_that_has_no_watts(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.supplies(160, 155, name="LastPowerOutputWatts"))
    assert await reason_of(driver, target_of(peer)) is Reason.SENSOR_UNREADABLE


async def test_places_are_tried_in_order(peer: Sushy, driver: RedfishDriver) -> None:
    assert await reason_of(driver, target_of(peer)) is Reason.NO_POWER_SENSOR
    for routes, watts in ORDER:
        peer.configure(routes=routes)
        assert (await watts_of(driver, peer))[0] == watts


@pytest.mark.parametrize(
    "routes", [shapes.supplies(170, None), shapes.subsystem(170, None), shapes.supplies(0, 0)]
)
async def test_supplies_are_not_summed_unless_all_of_them_read(
    peer: Sushy, driver: RedfishDriver, routes: dict[str, Any]
) -> None:
    peer.configure(routes=routes)
    assert await reason_of(driver, target_of(peer)) is Reason.SENSOR_UNREADABLE


async def test_supplies_metrics_bring_their_energy_along(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.subsystem(150, 150, energy_kwh=2.0))
    source = driver.source(target_of(peer))
    assert (await source.read()).joules == 2 * 2.0 * 3_600_000
    await source.close()


async def test_sensors_come_in_one_get_where_the_service_expands(
    peer: Sushy, driver: RedfishDriver
) -> None:
    base = f"{shapes.CHASSIS_PATH}/Sensors"
    routes = dict(shapes.DELL_17G_SENSORS)
    inside = [routes[member["@odata.id"]] for member in routes[base]["Members"]]
    features = {"ExpandQuery": {"Levels": True, "NoLinks": True}}
    root = {"RedfishVersion": "1.15.0", "ProtocolFeaturesSupported": features}
    routes |= {base: {"Members": inside}, "/redfish/v1": root}
    peer.configure(routes=routes)
    assert (await watts_of(driver, peer))[0] == 412
    requests = [each for each in peer.requests() if "/Sensors" in each]
    total = f"GET {base}/SystemBoardPwrConsumption"
    assert requests == [f"GET {base}?$expand=.($levels=1)", total, total]


@pytest.mark.parametrize(
    ("routes", "watts", "where"),
    [
        (shapes.DELL_IDRAC9, 398, f"Chassis/{CHASSIS}/Power#PowerControl/0"),
        (shapes.HPE_ILO5, 139, "Chassis/1/Power#PowerControl/0"),
        (shapes.HPE_ILO4, 212, f"Chassis/{CHASSIS}/Power#PowerConsumedWatts"),
        (shapes.LENOVO_XCC, 303, f"Chassis/{CHASSIS}/Power#PowerControl/0"),
        (shapes.NVIDIA_HGX, 5120, "Chassis/DGX/EnvironmentMetrics#PowerWatts"),
    ],
)
async def test_a_vendors_shape_reads(
    peer: Sushy, driver: RedfishDriver, routes: dict[str, Any], watts: float, where: str
) -> None:
    peer.configure(routes=routes)
    assert await watts_of(driver, peer) == (watts, where)


async def test_fujitsus_own_place_is_known(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(routes=shapes.FUJITSU_IRMC)
    watts, where = await watts_of(driver, peer)
    assert watts == 188
    assert where.endswith("ts_fujitsu/ChassisPowerConsumption/CurrentPowerConsumptionW")


async def test_the_bmcs_own_statistics_come_along(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(routes=shapes.DELL_IDRAC9)
    source = driver.source(target_of(peer))
    assert (await source.read()).statistics == Statistics(371, 340, 521, 60)
    await source.close()


async def test_value_average_reads_the_bmcs_mean_over_its_interval(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes={**shapes.environment(374.0), **shapes.DELL_IDRAC9})
    where = f"Chassis/{CHASSIS}/Power#PowerControl/0/PowerMetrics"
    assert await watts_of(driver, peer, value="average") == (371, where)


async def test_value_average_on_a_bmc_without_one_says_so(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes={**shapes.environment(374.0), **shapes.power(344.0)})
    error = await error_of(driver, target_of(peer, value="average"))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "redfish.value" in str(error)


async def test_a_machine_that_is_off_is_powered_off_whatever_its_bmc_repeats(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.environment(374.0))
    source = driver.source(target_of(peer))
    await source.read()
    peer.configure(power_state="Off")
    for _ in range(2):
        with pytest.raises(ReadError) as caught:
            await source.read()
        assert caught.value.reason is Reason.POWERED_OFF
    peer.configure(power_state="On")
    assert (await source.read()).watts == 374
    await source.close()


@pytest.mark.parametrize("watts", [12.0, 0.0, None])
async def test_watts_that_fall_are_looked_into(
    peer: Sushy, driver: RedfishDriver, watts: float | None
) -> None:
    peer.configure(routes=shapes.environment(374.0))
    source = driver.source(target_of(peer))
    await source.read()
    peer.configure(power_state="Off", routes=shapes.environment(watts))
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert caught.value.reason is Reason.POWERED_OFF
    await source.close()


async def test_a_machine_off_at_first_contact_is_powered_off(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(power_state="Off")
    assert await reason_of(driver, target_of(peer)) is Reason.POWERED_OFF


async def test_nodes_behind_one_bmc_share_a_session_and_never_ask_at_once(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.CRAY_TWO_NODES, delay_s=0.01)
    sources = [driver.source(target_of(peer, node=f"n{i}", chassis=f"Node{i}")) for i in range(2)]
    for _ in range(3):
        readings = await asyncio.gather(*(source.read() for source in sources))
        assert [reading.watts for reading in readings] == [611, 587]
    seen = peer.seen()
    assert seen["requests"].count("POST /redfish/v1/SessionService/Sessions") == 1
    assert seen["most_at_once"] == 1
    await sources[0].close()
    assert peer.seen()["sessions"] == 1
    await sources[1].close()
    assert peer.seen()["sessions"] == 0


@pytest.mark.parametrize("chassis", [None, "Node7"])
async def test_several_systems_are_listed_to_choose_from(
    peer: Sushy, driver: RedfishDriver, chassis: str | None
) -> None:
    peer.configure(routes=shapes.CRAY_TWO_NODES)
    error = await error_of(driver, target_of(peer, chassis=chassis))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "Enclosure, Node0, Node1" in str(error)


async def test_a_search_cut_short_goes_on_where_it_was(peer: Sushy, driver: RedfishDriver) -> None:
    peer.configure(routes=shapes.power(344.0), delay_s=0.1)
    source = driver.source(target_of(peer))
    cut_short = 0
    while (reading := await read_for(3, source, peer)) is None:
        cut_short += 1
        assert cut_short < 30
    assert cut_short
    assert reading.watts == 344
    assert peer.requests().count("POST /redfish/v1/SessionService/Sessions") == 1
    await source.close()
    assert peer.seen()["sessions"] == 0


async def read_for(requests: int, source: Any, peer: Sushy) -> Any:
    """Read, but for no more than so many requests: the last of them is cut short."""
    before = len(peer.requests())
    reading = asyncio.create_task(source.read())
    await eventually(lambda: reading.done() or len(peer.requests()) >= before + requests)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        return await reading


async def test_a_cancelled_login_leaves_no_session_behind(
    peer: Sushy, driver: RedfishDriver
) -> None:
    peer.configure(routes=shapes.power(344.0), delay_s=0.3)
    source = driver.source(target_of(peer))
    reading = asyncio.create_task(source.read())
    await eventually(lambda: any("POST" in each for each in peer.requests()))
    peer.configure(delay_s=0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await source.close()
    seen = peer.seen()
    assert seen["sessions"] == 0
    assert any("DELETE" in each for each in seen["requests"])
