"""The simulated Redfish services, read by clients that are not ours: sushy and httpx."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import sushy
from sushy import auth

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.simulator.certificate import generate
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.exporter.targets.redfish.fleet import reason_of, target_at, write_secrets
from tests.peers.ports import free_port

LOOPS = ("attended",)

FIRST, SECOND = "127.44.0.1", "127.44.0.2"
LOGIN = ("monitor", "simulated")


@pytest.fixture
def machines() -> dict[str, SimulatedMachine]:
    """Two machines whose watts never move, so that a reading has one true value."""
    return {
        FIRST: SimulatedMachine("n1", FIRST, idle_watts=300, peak_watts=300),
        SECOND: SimulatedMachine("n2", SECOND, idle_watts=400, peak_watts=400),
    }


@pytest.fixture
async def server(
    machines: dict[str, SimulatedMachine], tmp_path: Path
) -> AsyncIterator[RedfishServer]:
    made = generate([FIRST, SECOND, "simulated.example"])
    for name, pem in zip(("ca.crt", "server.pem", "server.key"), made, strict=True):
        (tmp_path / name).write_bytes(pem)
    running = RedfishServer(machines, free_port(), tmp_path / "server.pem", tmp_path / "server.key")
    await running.start()
    yield running
    await running.close()


@pytest.fixture
def port(server: RedfishServer) -> int:
    return server._port


@pytest.fixture
async def driver(tmp_path: Path, port: int) -> AsyncIterator[RedfishDriver]:
    secrets = write_secrets(tmp_path, tmp_path / "ca.crt")
    (secrets / "bmc/username").write_text(LOGIN[0])
    (secrets / "bmc/password").write_text(LOGIN[1])
    made = RedfishDriver(Secrets(secrets))
    yield made
    await made.close()


def client_of(address: str, port: int, authority: Path) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=authority)
    return httpx.AsyncClient(base_url=f"https://{address}:{port}", verify=context)


@pytest.mark.parametrize("kind", [auth.SessionAuth, auth.BasicAuth])
async def test_openstacks_client_logs_in_and_reads_the_same_power(
    port: int, tmp_path: Path, kind: type[auth.AuthBase]
) -> None:
    def read() -> tuple[float, str, str]:
        login = kind(*LOGIN)
        authority = str(tmp_path / "ca.crt")
        service = sushy.Sushy(f"https://{SECOND}:{port}", verify=authority, auth=login)
        (system,) = service.get_system_collection().get_members()
        (chassis,) = service.get_chassis_collection().get_members()
        watts = chassis.power.json["PowerControl"][0]["PowerConsumedWatts"]
        login.close()
        return watts, system.name, system.power_state.value

    assert await asyncio.to_thread(read) == (400, "n2", "On")


async def test_each_machine_answers_at_its_own_address(
    port: int, driver: RedfishDriver, machines: dict[str, SimulatedMachine]
) -> None:
    for address, machine in machines.items():
        source = driver.source(target_at(address, port))
        before = machine.joules(time.time())
        reading = await source.read()
        assert reading.watts == machine.idle_watts
        assert reading.joules is not None
        assert before <= reading.joules <= machine.joules(time.time())
        await source.close()


async def test_one_connection_is_kept_for_many_readings(
    server: RedfishServer, port: int, driver: RedfishDriver
) -> None:
    sources = [driver.source(target_at(FIRST, port, f"n{number}")) for number in range(3)]
    for _ in range(3):
        await asyncio.gather(*(source.read() for source in sources))
    assert server._runner.server is not None
    assert len(server._runner.server.connections) == 1
    await asyncio.gather(*(source.close() for source in sources))


async def test_a_bmc_that_restarts_is_logged_into_again_within_the_same_reading(
    server: RedfishServer,
    port: int,
    driver: RedfishDriver,
    machines: dict[str, SimulatedMachine],
    tmp_path: Path,
) -> None:
    source = driver.source(target_at(FIRST, port))
    await source.read()
    await server.close()
    assert await reason_of(driver, target_at(FIRST, port)) is Reason.CONNECTION_REFUSED
    again = RedfishServer(machines, port, tmp_path / "server.pem", tmp_path / "server.key")
    await again.start()
    assert (await source.read()).watts == 300
    await source.close()
    await again.close()


async def test_the_mean_over_its_interval_is_there(port: int, driver: RedfishDriver) -> None:
    source = driver.source(target_at(FIRST, port, value="average"))
    reading = await source.read()
    assert reading.watts == 300
    assert reading.statistics is not None
    assert reading.statistics.window_s == 60
    await source.close()


async def test_a_machine_switched_off_is_powered_off(
    port: int, driver: RedfishDriver, machines: dict[str, SimulatedMachine]
) -> None:
    machines[FIRST].powered_on = False
    assert await reason_of(driver, target_at(FIRST, port)) is Reason.POWERED_OFF


async def test_a_wrong_password_is_refused(
    port: int, driver: RedfishDriver, tmp_path: Path
) -> None:
    (tmp_path / "secrets/bmc/password").write_text("wrong")
    for way in ("session", "basic"):
        assert await reason_of(driver, target_at(FIRST, port, auth=way)) is Reason.AUTH_FAILED


async def test_a_session_that_was_deleted_is_known_no_more(port: int, tmp_path: Path) -> None:
    path = "/redfish/v1/SessionService/Sessions"
    async with client_of(FIRST, port, tmp_path / "ca.crt") as client:
        opened = await client.post(
            path, json=dict(zip(("UserName", "Password"), LOGIN, strict=True))
        )
        token = {"X-Auth-Token": opened.headers["X-Auth-Token"]}
        assert opened.status_code == 201
        assert (await client.get("/redfish/v1/Chassis/1/Power", headers=token)).is_success
        assert (await client.delete(opened.headers["Location"], headers=token)).status_code == 204
        assert (await client.get("/redfish/v1/Chassis/1/Power", headers=token)).status_code == 401


async def test_there_are_only_so_many_sessions_and_then_basic(
    port: int, driver: RedfishDriver, tmp_path: Path
) -> None:
    path = "/redfish/v1/SessionService/Sessions"
    words = dict(zip(("UserName", "Password"), LOGIN, strict=True))
    async with client_of(FIRST, port, tmp_path / "ca.crt") as client:
        opened = [(await client.post(path, json=words)).status_code for _ in range(17)]
    assert opened == [201] * 16 + [503]
    source = driver.source(target_at(FIRST, port))
    assert (await source.read()).watts == 300
    await source.close()


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"UserName": 1}', b"[" * 10_000])
async def test_a_login_that_is_garbage_is_a_bad_request(
    port: int, tmp_path: Path, body: bytes
) -> None:
    async with client_of(FIRST, port, tmp_path / "ca.crt") as client:
        answer = await client.post("/redfish/v1/SessionService/Sessions", content=body)
        assert answer.status_code == 400
        assert (await client.get("/redfish/v1/nothing")).status_code == 401


async def test_an_address_without_a_machine_has_no_service(
    port: int, driver: RedfishDriver
) -> None:
    target = target_at("127.44.0.3", port, scheme="https")
    assert await reason_of(driver, target) in {Reason.BAD_REPLY, Reason.TLS_FAILED}
