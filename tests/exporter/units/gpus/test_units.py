"""GPUs of units over trees of control groups and processes: jobs, pods and virtual machines."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.units import families, source
from rackwatt_exporter.units.gpus import claimed
from rackwatt_exporter.units.gpus.passthrough import host_devices
from rackwatt_exporter.units.model import UnitGpu, UnitsResult
from rackwatt_exporter.units.text import UnitText
from tests.eventually import PATIENCE_S
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open
from tests.exporter.units.gpus.nodes import H100, MIG, MINORS, ONE, TWO
from tests.exporter.units.jobs import JOB, Jobs

ORDER = SlurmUnits(gpu_order_map="0:1,1:0.3,2:0.4,3:0.5,4:0.6")


def whole() -> Sequence[Gpu]:
    return H100


def parted() -> Sequence[Gpu]:
    return MIG


def gpus(result: UnitsResult) -> dict[str, list[tuple[str, str, float]]]:
    return {
        unit.key.unit: [(one.uuid, one.instance, one.share) for one in unit.gpus]
        for unit in result.units
    }


@pytest.mark.parametrize("version", [1, 2])
async def test_each_job_has_its_gpus_and_a_foreign_variable_claims_none(
    version: int, tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path, version)
    jobs.add(1, b"SLURM_JOB_ID=1\0SLURM_JOB_GPUS=0,2\0SLURM_STEP_GPUS=2\0")
    jobs.add(2, b"SLURM_JOB_GPUS\0NOTE_SLURM_JOB_GPUS=0,1,2,3\0")
    jobs.add(3, b"SLURM_JOB_GPUS=\0")
    units = units_of(jobs.tree, "slurm", ORDER, parted)
    result = await units.read()
    assert gpus(result) == {"1": [(ONE, "4", 14 / 108), (TWO, "", 1.0)], "2": [], "3": []}
    assert result.error is None
    assert gpus(await units.read()) == gpus(result)  # another scraper sees the same


async def test_shares_are_a_family_with_the_identity_of_the_gpu(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=0\0SLURM_SHARDS_ON_NODE=1\0")
    jobs.add(2, b"SLURM_JOB_GPUS=0\0SLURM_SHARDS_ON_NODE=3\0")
    result = await units_of(jobs.tree, "slurm", ORDER, parted).read()
    text = dict(UnitText("n1").lines(result.units))[families.GPU_SHARE]
    name = 'rackwatt_unit_gpu_share{node="n1",manager="slurm",unit="'
    gpu = f'",gpu="1",gpu_uuid="{TWO}",instance=""}}'
    assert sorted(b"".join(text).decode().splitlines()) == [
        f"{name}1{gpu} 0.25",
        f"{name}2{gpu} 0.75",
    ]


async def test_steps_that_come_and_go_make_up_what_a_job_holds(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claimed, "AGAIN_S", 0.0)
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_STEP_GPUS=0\0")
    units = units_of(jobs.tree, "slurm", ORDER, parted)
    assert gpus(await units.read()) == {"1": [(TWO, "", 1.0)]}
    jobs.add(1, b"SLURM_STEP_GPUS=1\0")
    for _ in range(20):
        assert gpus(await units.read()) == {"1": [(ONE, "3", 14 / 108), (TWO, "", 1.0)]}


async def test_gres_conf_orders_gpus_and_a_change_of_it_or_of_mig_is_seen(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=1\0")
    conf = tmp_path / "etc/slurm/gres.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text("Name=gpu File=/dev/nvidia0\nName=gpu File=/dev/nvidia-caps/nvidia-cap175\n")
    minors = jobs.tree.procfs / "driver/nvidia-caps/mig-minors"
    minors.parent.mkdir(parents=True)
    minors.write_text(MINORS)
    there = list(MIG)
    units = units_of(jobs.tree, "slurm", None, lambda: tuple(there))
    assert gpus(await units.read()) == {"1": [(ONE, "4", 14 / 108)]}
    conf.write_text("Name=gpu File=/dev/nvidia-caps/nvidia-cap175\nName=gpu File=/dev/nvidia0\n")
    assert gpus(await units.read()) == {"1": [(TWO, "", 1.0)]}
    there[:] = H100
    assert gpus(await units.read()) == {"1": [(H100[4].uuid, "", 1.0)]}


async def test_an_order_that_is_not_known_is_a_reason_and_no_share(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=0\0")
    jobs.add(2, b"")
    result = await units_of(jobs.tree, "slurm", None, whole).read()
    assert gpus(result) == {"1": [], "2": []}
    assert result.error is not None
    assert "order" in str(result.error)
    twice = SlurmUnits(gpu_order_map="0:1,0:2")
    result = await units_of(jobs.tree, "slurm", twice, whole).read()
    assert result.error is not None
    assert (result.error.reason, "twice" in str(result.error)) == (Reason.INVALID_ENTRY, True)


async def test_a_node_without_gpus_reads_no_process(tmp_path: Path, units_of: Open) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=0\0")
    result = await units_of(jobs.tree, "slurm").read()
    assert (gpus(result), result.error) == ({"1": []}, None)


async def test_variables_that_may_not_be_read_are_a_reason_and_the_units_stay(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=0\0")

    def refuse(process: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(process))

    monkeypatch.setattr("rackwatt_exporter.units.processes.environ", refuse)
    result = await units_of(jobs.tree, "slurm", ORDER, parted).read()
    assert gpus(result) == {"1": []}
    assert result.error is not None
    assert result.error.reason is Reason.PERMISSION_DENIED
    assert "CAP_SYS_PTRACE" in str(result.error.remedy)


async def test_files_of_a_prolog_count_before_variables(tmp_path: Path, units_of: Open) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, b"SLURM_JOB_GPUS=1\0")
    jobs.add(8, b"")
    files = tmp_path / "run/gpujobmap"
    settings = SlurmUnits(gpu_map_directory="/run/gpujobmap", gpu_order_map=ORDER.gpu_order_map)
    units = units_of(jobs.tree, "slurm", settings, parted)
    result = await units.read()
    assert result.error is not None
    assert "gpuMapDirectory" in str(result.error)
    files.mkdir(parents=True)
    for number, job in (("0", "7"), ("2", "8"), ("x", "8"), ("3", "")):
        (files / number).write_text(f"{job}\n")
    result = await units.read()
    assert gpus(result) == {"7": [(TWO, "", 1.0)], "8": [(ONE, "4", 14 / 108)]}
    assert result.error is None


async def test_an_empty_group_that_is_left_holds_nothing(tmp_path: Path, units_of: Open) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(7, b"")
    jobs.tree.group(JOB.format(8), Use(tasks=0))
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps/0").write_text("7 8\n")
    settings = SlurmUnits(gpu_map_directory="/maps", gpu_order_map=ORDER.gpu_order_map)
    result = await units_of(jobs.tree, "slurm", settings, parted).read()
    assert gpus(result) == {"7": [(TWO, "", 1.0)]}


async def test_a_job_that_has_ended_keeps_its_gpus_in_its_last_reading(
    tmp_path: Path, units_of: Open
) -> None:
    jobs = Jobs(tmp_path)
    jobs.add(1, b"SLURM_JOB_GPUS=0\0")
    units = units_of(jobs.tree, "slurm", ORDER, parted)
    await units.read()
    jobs.tree.remove(JOB.format(1))
    (ended,) = (await units.read()).ended
    assert ended.gpus == (UnitGpu("1", TWO, "", 1.0),)


async def test_a_job_that_lives_between_two_polls_has_its_gpus(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "YOUNG_S", (0.01, 0.02, 0.03))
    jobs = Jobs(tmp_path)
    (jobs.tree.root / JOB.format(1)).parent.mkdir(parents=True)
    units = units_of(jobs.tree, "slurm", ORDER, parted)
    assert (await units.read()).units == ()
    jobs.add(1, b"SLURM_JOB_GPUS=0\0")
    async with asyncio.timeout(PATIENCE_S):
        while not any(one.reading and one.reading.gpus for one in units.groups.values()):
            await asyncio.sleep(0.005)
    jobs.tree.remove(JOB.format(1))
    (ended,) = (await units.read()).ended
    assert ended.gpus == (UnitGpu("1", TWO, "", 1.0),)


async def test_pods_hold_what_the_device_plugin_gave_them_and_share_what_is_sliced(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    environs = {
        "a": f"NVIDIA_VISIBLE_DEVICES={TWO}::0\0".encode(),
        "b": f"NVIDIA_VISIBLE_DEVICES={TWO}::1\0".encode(),
        "c": b"NVIDIA_VISIBLE_DEVICES=MIG-0d6e1d5c-0003\0",
        "d": b"NVIDIA_VISIBLE_DEVICES=all\0",
        "e": b"NVIDIA_VISIBLE_DEVICES=void\0",  # by CDI
        "f": b"",
        "g": b"",
    }
    files = {
        "d": ("nvidia0", "nvidia1"),  # of the runtime, not of the plugin
        "e": ("nvidia1", "nvidiactl", "nvidia-caps/nvidia-cap174", "nvidia-caps/nvidia-cap175"),
        "f": ("nvidia0", "nvidia1", "mem"),  # privileged
    }
    minors = tree.procfs / "driver/nvidia-caps/mig-minors"
    minors.parent.mkdir(parents=True)
    minors.write_text(MINORS)
    for pid, (pod, environ) in enumerate(environs.items(), 100):
        tree.group(f"kubepods/pod{pod}", Use(), below="container", pid=pid)
        (tree.procfs / str(pid)).mkdir()
        (tree.procfs / str(pid) / "environ").write_bytes(environ)
        for file in files.get(pod, ()):
            path = tree.procfs / str(pid) / "root/dev" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    assert gpus(await units_of(tree, "kubernetes", None, parted).read()) == {
        "a": [(TWO, "", 0.5)],
        "b": [(TWO, "", 0.5)],
        "c": [(ONE, "3", 14 / 108)],
        "d": [],
        "e": [(ONE, "4", 14 / 108)],
        "f": [],
        "g": [],
    }


MDEV = "11f1e1aa-0000-11ef-8a10-00000000000{0}"
DOMAIN = """<domstatus state='running'>
  <domain type='kvm' id='{number}'>
    <name>instance-{number}</name>
    <uuid>6c9a1b2e-0000-4b52-9d6f-aa000000000{number}</uuid>
    <devices>
      <interface type='network'><source network='x'/><address type='pci' domain='0x0000' bus='0x21' slot='0x00' function='0x0'/></interface>
      {devices}
    </devices>
  </domain>
</domstatus>
"""
VGPU = "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'><source><address uuid='{0}'/></source><address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></hostdev>"
PCI = "<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address domain='0x0000' bus='{0}' slot='0x00' function='{1}'/></source></hostdev>"


async def test_machines_hold_what_is_passed_through_and_share_vgpus(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    devices = {
        1: VGPU.format(MDEV.format(1)),
        2: VGPU.format(MDEV.format(2)),
        3: PCI.format("0x43", "0x0") + PCI.format("0x99", "0x0"),  # and a device that is no GPU
        4: PCI.format("0x52", "0x4"),  # a virtual function
    }
    boards = tree.sysfs / "devices/pci0000:00"
    for name in ("0000:1b:00.0", "0000:43:00.0", "0000:52:00.0", "0000:52:00.4"):
        (boards / name).mkdir(parents=True)
    (boards / "0000:52:00.4/physfn").symlink_to("../0000:52:00.0")
    pci, mdev = tree.sysfs / "bus/pci/devices", tree.sysfs / "bus/mdev/devices"
    pci.mkdir(parents=True)
    mdev.mkdir(parents=True)
    for board in boards.iterdir():
        (pci / board.name).symlink_to(board)
    for number in (1, 2):
        (boards / "0000:1b:00.0" / MDEV.format(number)).mkdir()
        (mdev / MDEV.format(number)).symlink_to(boards / "0000:1b:00.0" / MDEV.format(number))
    (tmp_path / "run/libvirt/qemu").mkdir(parents=True)
    for number, text in devices.items():
        scope = rf"machine.slice/machine-qemu\x2d{number}\x2dinstance\x2d{number}.scope"
        tree.group(scope, Use(), below="libvirt/emulator", pid=number)
        xml = DOMAIN.format(number=number, devices=text)
        (tmp_path / f"run/libvirt/qemu/instance-{number}.xml").write_text(xml)
    assert gpus(await units_of(tree, "libvirt", None, whole).read()) == {
        "instance-1": [(H100[0].uuid, "", 0.5)],
        "instance-2": [(H100[0].uuid, "", 0.5)],
        "instance-3": [(H100[1].uuid, "", 1.0)],
        "instance-4": [(H100[2].uuid, "", 1.0)],
    }


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<hostdev type='pci'>",
        b"<hostdev type='pci'></hostdev>",
        b"<hostdev type='pci'><source><address bus='zz'/></source></hostdev>",
        b"<hostdev type='mdev'><source><address uuid='../../../etc'/></source></hostdev>",
        b"<hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>",
    ],
)
def test_xml_without_such_a_device_has_none(text: bytes) -> None:
    assert list(host_devices(text)) == []


XML = st.sampled_from(
    (b"<hostdev type='pci'>", b"<source>", b"<address bus='0x1'/>", b"</hostdev>", b"'")
)


@given(st.lists(XML | st.binary(max_size=8)).map(b"".join))
def test_any_xml_has_addresses_or_none(text: bytes) -> None:
    assert all(":" in one or len(one) == 36 for one in host_devices(text))
