"""The node's own BMC over Redfish, against the real sushy-emulator."""

import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from rackwatt_crds.fields import Credentials, SecretRef, Tls
from rackwatt_crds.node.redfish import NodeRedfish
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.bmc_statistics import POWER, WINDOW
from rackwatt_exporter.collectors.redfish.collector import RedfishCollector
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.protocols.ipmi import local_bmc
from rackwatt_exporter.reading import DomainPower, ReadError, Reason
from tests.exporter.protocols.ipmi.openipmi_driver import device, worker
from tests.exporter.targets.redfish import shapes as shapes
from tests.exporter.targets.redfish.fleet import write_secrets
from tests.peers.sushy import Sushy, sushy

AT_LOOPBACK = "0011" + bytes((127, 0, 0, 1)).hex()  # of Get LAN Configuration Parameters


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sushy]:
    with sushy(tmp_path_factory.mktemp("sushy")) as running:
        yield running


@pytest.fixture
def peer(emulator: Sushy) -> Sushy:
    emulator.as_new()
    return emulator


def settings(peer: Sushy, **fields: Any) -> NodeRedfish:
    given: dict[str, Any] = {
        "hostname": peer.address,
        "port": peer.port,
        "credentials": Credentials(secret_ref=SecretRef(name="bmc")),
        "tls": Tls(ca_secret_ref=SecretRef(name="ca")),
    }
    return NodeRedfish(**(given | fields))


@asynccontextmanager
async def collector(
    directory: Path,
    peer: Sushy,
    given: NodeRedfish | None,
    node: str = "n1",
    behaviour: str = AT_LOOPBACK,
) -> AsyncIterator[RedfishCollector]:
    secrets = Secrets(write_secrets(directory, peer.authority))
    host = HostPaths(node, devfs=directory)
    made = RedfishCollector(host, given, secrets, worker(behaviour))
    try:
        yield made
    finally:
        await made.close()


async def failure(
    directory: Path, peer: Sushy, given: NodeRedfish | None, **more: Any
) -> ReadError:
    async with collector(directory, peer, given, **more) as made:
        with pytest.raises(ReadError) as caught:
            await made.read()
    return caught.value


def controlled(control: dict[str, Any]) -> dict[str, Any]:
    """Return the routes of a PowerControl."""
    named = {"MemberId": "0", "Name": "System Power Control", **control}
    return {shapes.POWER_PATH: {"@odata.id": shapes.POWER_PATH, "PowerControl": [named]}}


def requests(peer: Sushy, path: str) -> int:
    return sum(one == path for one in peer.requests())


async def test_watts_statistics_and_the_bmcs_own_counter(tmp_path: Path, peer: Sushy) -> None:
    peer.configure(routes=shapes.environment(374.5, EnergykWh={"Reading": 12.5}))
    async with collector(tmp_path, peer, settings(peer)) as made:
        found = await made.read()
        assert found == CollectorResult(
            powers=(DomainPower("node", "bmc", 374.5, joules=12.5 * 3.6e6),)
        )
        assert (await made.read()) == found
        assert peer.seen()["sessions"] == 1
        assert requests(peer, "POST /redfish/v1/SessionService/Sessions") == 1
    assert peer.seen()["sessions"] == 0  # logged out


async def test_the_statistics_of_the_bmc_are_samples(tmp_path: Path, peer: Sushy) -> None:
    kept = {
        "MinConsumedWatts": 100,
        "MaxConsumedWatts": 500,
        "AverageConsumedWatts": 320,
        "IntervalInMin": 10,
    }
    peer.configure(routes=controlled({"PowerConsumedWatts": 344, "PowerMetrics": kept}))
    async with collector(tmp_path, peer, settings(peer)) as made:
        found = await made.read()
    assert found.powers == (DomainPower("node", "bmc", 344),)
    assert found.samples == (
        Sample(POWER, ("redfish", "minimum"), 100),
        Sample(POWER, ("redfish", "maximum"), 500),
        Sample(POWER, ("redfish", "average"), 320),
        Sample(WINDOW, ("redfish",), 600.0),
    )


async def test_the_name_of_the_bmc_is_made_of_the_nodes(tmp_path: Path, peer: Sushy) -> None:
    peer.configure(routes=shapes.environment(374.5))
    given = settings(peer, hostname="{hostname}.0.0.1")
    async with collector(tmp_path, peer, given, node="127") as made:
        assert (await made.read()).powers[0].watts == 374.5
    error = await failure(tmp_path, peer, given, node="http://x")
    assert error.reason is Reason.INVALID_ENTRY
    assert "spec.node.redfish.hostname" in str(error)


async def test_a_bmc_without_a_name_says_its_address_over_ipmi(tmp_path: Path, peer: Sushy) -> None:
    device(tmp_path)
    peer.configure(routes=shapes.environment(374.5))
    given = settings(peer, hostname=None)
    async with collector(tmp_path, peer, given) as made:
        assert (await made.read()).powers[0].watts == 374.5
    error = await failure(tmp_path, peer, given, behaviour="001100000000")
    assert (error.reason, "no address" in str(error)) == (Reason.ABSENT, True)
    error = await failure(tmp_path, peer, given, behaviour="0011ff")
    assert error.reason is Reason.BAD_REPLY
    error = await failure(tmp_path, peer, given, behaviour="c1")
    assert error.reason is Reason.NO_POWER_SENSOR


async def test_a_bmc_that_has_moved_says_its_address_again(
    tmp_path: Path, peer: Sushy, monkeypatch: pytest.MonkeyPatch
) -> None:
    device(tmp_path)
    peer.configure(routes=shapes.environment(374.5))
    read: list[str] = []
    addresses = iter(["127.0.0.2", "127.0.0.1"])

    async def lan_address(bmc: local_bmc.LocalBmc) -> str:
        read.append(address := next(addresses))
        return address

    module = "rackwatt_exporter.collectors.redfish.collector.lan_address"
    monkeypatch.setattr(module, lan_address)
    async with collector(tmp_path, peer, settings(peer, hostname=None)) as made:
        with pytest.raises(ReadError) as caught:
            await made.read()
        assert caught.value.reason is Reason.CONNECTION_REFUSED
        assert (await made.read()).powers[0].watts == 374.5
        await made.read()
    assert read == ["127.0.0.2", "127.0.0.1"]


async def test_without_session_tokens_each_request_is_authorized(
    tmp_path: Path, peer: Sushy
) -> None:
    peer.configure(routes=shapes.environment(374.5))
    async with collector(tmp_path, peer, settings(peer, use_session_token=False)) as made:
        assert (await made.read()).powers[0].watts == 374.5
    assert requests(peer, "POST /redfish/v1/SessionService/Sessions") == 0


async def test_a_document_without_settings_reads_nothing(tmp_path: Path, peer: Sushy) -> None:
    error = await failure(tmp_path, peer, None)
    assert error.reason is Reason.ABSENT
    assert "spec.node.redfish" in str(error)
    error = await failure(tmp_path, peer, settings(peer, credentials=None))
    assert error.reason is Reason.CREDENTIALS_MISSING


async def test_a_bmc_that_does_not_answer_fails_at_the_timeout_of_the_settings(
    tmp_path: Path, peer: Sushy
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = settings(peer, port=silent.getsockname()[1], timeout="50ms")
        error = await failure(tmp_path, peer, given)
    assert error.reason is Reason.TIMEOUT
    assert str(error) == "no reading within the timeout of 0.05s"


def test_a_machine_without_settings_loads_no_client_of_redfish() -> None:
    code = (
        "import sys, rackwatt_exporter.collectors.redfish.collector\n"
        "print([one for one in ('yarl', 'rackwatt_exporter.targets') if one in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ({"PowerConsumedWatts": 70_000}, Reason.IMPLAUSIBLE),
        (
            {
                "PowerConsumedWatts": 344,
                "PowerMetrics": {"MinConsumedWatts": 500, "MaxConsumedWatts": 100},
            },
            Reason.BAD_REPLY,
        ),
        ({"PowerConsumedWatts": None}, Reason.SENSOR_UNREADABLE),
    ],
)
async def test_what_cannot_be_the_power_of_a_machine_is_a_reason(
    tmp_path: Path, peer: Sushy, control: dict[str, Any], reason: Reason
) -> None:
    peer.configure(routes=controlled(control))
    assert (await failure(tmp_path, peer, settings(peer))).reason is reason


@asynccontextmanager
async def proxy(peer: Sushy, seen: list[str]) -> AsyncIterator[str]:
    """Run a proxy that sends each request where its header X-Redfish-Url says."""
    context = ssl.create_default_context(cafile=peer.authority)

    async def forward(request: web.Request) -> web.Response:
        base = request.headers.get("X-Redfish-Url", "")
        seen.append(base)
        if not base:
            return web.Response(status=400)
        kept = ("X-Auth-Token", "Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method,
                base + request.path_qs,
                headers=headers,
                data=await request.read(),
                ssl=context,
            ) as answer,
        ):
            passed = ("X-Auth-Token", "Location", "Content-Type")
            back = {name: answer.headers[name] for name in passed if name in answer.headers}
            return web.Response(status=answer.status, headers=back, body=await answer.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_every_request_to_a_proxy_names_the_bmc_that_it_is_for(
    tmp_path: Path, peer: Sushy
) -> None:
    peer.configure(routes=shapes.environment(374.5))
    seen: list[str] = []
    async with proxy(peer, seen) as url:
        given = settings(peer, external_url=url, tls=None)
        async with collector(tmp_path, peer, given) as made:
            assert (await made.read()).powers[0].watts == 374.5
            assert peer.seen()["sessions"] == 1
    assert peer.seen()["sessions"] == 0
    assert set(seen) == {f"https://{peer.address}:{peer.port}"}
    assert len(seen) == len(peer.requests())
