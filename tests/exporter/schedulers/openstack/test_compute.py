"""Hypervisors of a real Nova, whose bare metal is that of a real Ironic."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from tests.exporter.schedulers.openstack.conftest import WORDS
from tests.exporter.schedulers.openstack.documents import PROJECT, SYSTEM, reading, write
from tests.exporter.schedulers.snapshots import states
from tests.peers.openstack.cloud import OpenstackCloud
from tests.peers.openstack.compute import PAGE, compute

LOOPS = ("attended",)
MIB = 2**20
SERVICE = PROJECT.replace("admin", "service")
BARE_METAL = "busy"
HYPERVISORS: dict[str, dict[str, Any]] = {
    "free.cloud.example": {},
    "full.cloud.example": {"running_vms": 2, "vcpus_used": 8, "memory_mb_used": 2560},
    "off.cloud.example": {"disabled_reason": "fan"},
    "silent.cloud.example": {"up": False},
}
# Of these, by microversions with counts; from 2.88 on, no server is in the database.
COUNTED = {
    "free.cloud.example": "idle",
    "full.cloud.example": "allocated",
    "off.cloud.example": "drained",
    "silent.cloud.example": "down",
}


@pytest.fixture(scope="module")
def nova(
    cloud: OpenstackCloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenstackCloud]:
    """The cloud with Nova and Placement, which know one of Ironic's nodes."""
    bare_metal = cloud.ironic("GET", f"/nodes/{BARE_METAL}")["uuid"]
    hypervisors = [{"name": name, "uuid": str(uuid4()), **one} for name, one in HYPERVISORS.items()]
    hypervisors.append({"name": bare_metal, "uuid": bare_metal, "type": "ironic", "running_vms": 1})
    with compute(cloud, tmp_path_factory.mktemp("nova") / "compute", hypervisors):
        cloud.user("rackwatt", "secret", "admin", "service", project="service")
        yield cloud


async def read(cloud: OpenstackCloud, directory: Path, more: str = "") -> SchedulerSnapshot:
    write(directory, username="rackwatt", password="secret")
    async with reading(cloud.auth_url, directory, SERVICE, more) as reader:
        return await reader.read()


@pytest.mark.parametrize("version", ["2.1", "2.53", "2.87"])
async def test_hypervisors_and_bare_metal_of_a_real_nova_and_ironic_are_read_in_one_pass(
    nova: OpenstackCloud, tmp_path: Path, version: str
) -> None:
    snapshot = await read(nova, tmp_path, f'computeDefaultMicroversion: "{version}"')
    assert len(COUNTED) > PAGE
    assert states(snapshot) == COUNTED | WORDS
    assert (snapshot.note, snapshot.unread, snapshot.jobs) == ("", 0, ())
    full = snapshot.nodes["full.cloud.example"]
    assert full.total == Resources(64, 256_000 * MIB)
    assert full.allocated == Resources(8, 2560 * MIB)
    assert snapshot.nodes["off.cloud.example"].reason == "fan"


async def test_the_default_microversion_of_a_real_nova_is_the_last_with_counts(
    nova: OpenstackCloud, tmp_path: Path
) -> None:
    assert (await read(nova, tmp_path)).version == "baremetal 1.21, compute 2.87"


async def test_amounts_of_a_real_placement_are_those_that_nova_counted(
    nova: OpenstackCloud, tmp_path: Path
) -> None:
    counted = await read(nova, tmp_path)
    placed = await read(nova, tmp_path, 'computeDefaultMicroversion: "2.96"')
    assert states(placed) == COUNTED | WORDS | {"full.cloud.example": "idle"}
    for name in HYPERVISORS:
        assert placed.nodes[name].total == counted.nodes[name].total
        assert placed.nodes[name].allocated == counted.nodes[name].allocated


async def test_bare_metal_has_its_uuid_where_ironic_is_not_polled(
    nova: OpenstackCloud, tmp_path: Path
) -> None:
    snapshot = await read(nova, tmp_path, "services: [compute]")
    uuid = nova.ironic("GET", f"/nodes/{BARE_METAL}")["uuid"]
    assert states(snapshot) == COUNTED | {uuid: "allocated"}
    assert uuid in snapshot.note


async def test_a_microversion_that_a_real_nova_lacks_is_a_bad_reply_with_its_words(
    nova: OpenstackCloud, tmp_path: Path
) -> None:
    with pytest.raises(ReadError, match=r"Minimum is 2\.1 and maximum is 2\.1\d\d"):
        await read(nova, tmp_path, 'computeDefaultMicroversion: "2.999"')


async def test_a_user_of_the_system_scope_is_refused_by_nova_with_its_words(
    nova: OpenstackCloud, tmp_path: Path
) -> None:
    write(tmp_path, username="admin", password=nova.password)
    async with reading(nova.auth_url, tmp_path, SYSTEM, "services: [compute]") as reader:
        with pytest.raises(ReadError, match="os-hypervisors:list-detail") as caught:
            await reader.read()
    assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
    assert "services" in (caught.value.remedy or "")
