"""A service that points elsewhere: neither a token nor a password goes there, however it is spelt."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.exporter.targets.redfish import shapes as shapes
from tests.exporter.targets.redfish.fleet import error_of, target_of, write_secrets
from tests.peers.sushy import Sushy, sushy

LOOPS = ("uvloop",)

SPELLINGS = ["//{elsewhere}/x", "/\t/{elsewhere}/x", "//{elsewhere}", "/{elsewhere}@//x"]


class Elsewhere:
    """A listener that must never hear of anything."""

    def __init__(self, server: asyncio.Server) -> None:
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self.visits = 0


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sushy]:
    with sushy(tmp_path_factory.mktemp("sushy")) as running:
        yield running


@pytest.fixture
def peer(emulator: Sushy) -> Sushy:
    emulator.as_new()
    return emulator


@pytest.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    async def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        message.visits += 1
        writer.close()

    server = await asyncio.start_server(visited, "127.0.0.1", 0)
    message = Elsewhere(server)
    yield message
    server.close()
    await server.wait_closed()


@pytest.fixture
async def driver(peer: Sushy, tmp_path: Path) -> AsyncIterator[RedfishDriver]:
    made = RedfishDriver(Secrets(write_secrets(tmp_path, peer.authority)))
    yield made
    await made.close()


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_link_to_another_host_takes_no_token_there(
    peer: Sushy, driver: RedfishDriver, elsewhere: Elsewhere, spelling: str
) -> None:
    path = spelling.format(elsewhere=elsewhere.address)
    peer.configure(routes={"/redfish/v1/Systems": shapes.collection(path)})
    error = await error_of(driver, target_of(peer))
    assert error.reason in (Reason.BAD_REPLY, Reason.NO_POWER_SENSOR)
    assert elsewhere.visits == 0


async def test_a_place_of_sessions_at_another_host_takes_no_password_there(
    peer: Sushy, driver: RedfishDriver, elsewhere: Elsewhere
) -> None:
    """The path of a path: `///` of a URL is `//` of another."""
    place = f"//somewhere//{elsewhere.address}/Sessions"
    links = {"Sessions": {"@odata.id": place}}
    root = {"@odata.id": "/redfish/v1/", "RedfishVersion": "1.6.0", "Links": links}
    peer.configure(routes={"/redfish/v1": root, "/redfish/v1/": root})
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.BAD_REPLY
    assert "no path of this service" in str(error)
    assert elsewhere.visits == 0


async def test_a_redirect_within_the_service_that_is_read_as_one_out_of_it_is_not_followed(
    peer: Sushy, driver: RedfishDriver, elsewhere: Elsewhere
) -> None:
    location = f"https://127.0.0.1:{peer.port}//{elsewhere.address}/x"
    moved = {"peer": {"status": 302, "headers": {"Location": location}}}
    peer.configure(routes={"/redfish/v1/Systems": moved})
    error = await error_of(driver, target_of(peer))
    assert error.reason is Reason.BAD_REPLY
    assert "no path of this service" in str(error)
    assert elsewhere.visits == 0
