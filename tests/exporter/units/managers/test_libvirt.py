"""Domains of libvirt by their control groups, and their names and UUIDs by its XML."""

from pathlib import Path

import pytest

from rackwatt_exporter.units.model import UnitInfo
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open

UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
DOMAIN = """<domain type='kvm'{id}>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <vcpu placement='static'>2</vcpu>
</domain>
"""
STATUS = """<!--
WARNING: THIS IS AN AUTO-GENERATED FILE.
-->
<domstatus state='running' reason='booted' pid='4711'>
  <monitor path='/var/lib/libvirt/qemu/domain-3-x/monitor.sock' type='unix'/>
{domain}</domstatus>
"""
SCOPE = r"machine.slice/machine-qemu\x2d3\x2dinstance\x2d0000001a.scope"
PLAIN = "machine/qemu-3-instance-0000001a.libvirt-qemu"
OWN_SLICE = SCOPE.replace("/", "/machine-prod.slice/machine-prod-web.slice/")
OWN_PARTITION = PLAIN.replace("/", "/prod.partition/web.partition/")


def domain(tree: CgroupTree, path: str, vcpus: str, count: int) -> None:
    tree.group(path, Use(user_us=4_000_000), f"{vcpus}emulator")
    for number in range(count):
        tree.group(f"{path}/{vcpus}vcpu{number}", Use())


def running(tree: CgroupTree, file: str, identity: int, name: str, uuid: str) -> None:
    directory = tree.procfs.parent / "run/libvirt/qemu"
    directory.mkdir(parents=True, exist_ok=True)
    text = DOMAIN.format(id=f" id='{identity}'", name=name, uuid=uuid)
    (directory / f"{file}.xml").write_text(STATUS.format(domain=text))


def defined(tree: CgroupTree, name: str, uuid: str) -> None:
    directory = tree.procfs.parent / "etc/libvirt/qemu"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.xml").write_text(DOMAIN.format(id="", name=name, uuid=uuid))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("vcpus", ["", "libvirt/"])
@pytest.mark.parametrize("path", [SCOPE, PLAIN, OWN_SLICE, OWN_PARTITION])
async def test_a_domain_is_a_unit_with_its_virtual_cpus(
    tmp_path: Path, units_of: Open, path: str, vcpus: str, version: int
) -> None:
    tree = CgroupTree(tmp_path, version)
    domain(tree, path, vcpus, 3)
    running(tree, "instance-0000001a", 3, "instance-0000001a", UUID)
    (unit,) = (await units_of(tree, "libvirt").read()).units
    assert unit.key == ("libvirt", "instance-0000001a")
    assert (unit.user_s, unit.cpus) == (4.0, 3)
    assert unit.info == UnitInfo(uuid=UUID, name="instance-0000001a")


async def test_a_name_that_systemd_cut_is_found_by_the_id_of_the_domain(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    domain(tree, r"machine.slice/machine-qemu\x2d7\x2dweb\x2dserver.scope", "", 1)
    defined(tree, "web-server", "00000000-0000-0000-0000-000000000001")
    running(tree, "web & server", 7, "web &amp; server", UUID)
    (unit,) = (await units_of(tree, "libvirt").read()).units
    assert unit.info == UnitInfo(uuid=UUID, name="web & server")


async def test_a_domain_has_the_uuid_of_its_definition_where_no_other_xml_is_there(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    domain(tree, SCOPE, "", 1)
    defined(tree, "instance-0000001a", UUID)
    (unit,) = (await units_of(tree, "libvirt").read()).units
    assert unit.info.uuid == UUID


@pytest.mark.parametrize(
    "text", ["", "<network><name>default</name></network>", "\x00\xff<domain>"]
)
async def test_garbage_beside_the_xml_leaves_a_domain_with_its_name_alone(
    tmp_path: Path, units_of: Open, text: str
) -> None:
    tree = CgroupTree(tmp_path)
    domain(tree, SCOPE, "", 1)
    defined(tree, "instance-0000001a", UUID)
    (tree.procfs.parent / "etc/libvirt/qemu/instance-0000001a.xml").write_text(text)
    (unit,) = (await units_of(tree, "libvirt").read()).units
    assert unit.info == UnitInfo(name="instance-0000001a")


async def test_what_else_is_a_machine_is_no_domain(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    tree.group("machine.slice/machine-fedora.scope", Use())
    tree.group("machine.slice/libpod-0123.scope", Use())
    result = await units_of(tree, "libvirt").read()
    assert (result.units, result.error, result.waits_for) == ((), None, "")
