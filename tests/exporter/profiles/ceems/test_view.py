"""The profile of CEEMS against pages of ceems_exporter, and over trees that those do not have."""

import math
from pathlib import Path

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.profiles.ceems.view import CeemsView, ceems_0_5, ceems_0_10
from rackwatt_exporter.reading import DomainPower, ReadError, Reason
from rackwatt_exporter.units.model import UnitGpu, UnitKey, UnitReading, UnitsResult
from tests.exporter.collectors.hwmon.tree import HwmonTree
from tests.exporter.collectors.infiniband.tree import InfinibandTree
from tests.exporter.collectors.pm_counters import PmCounters
from tests.exporter.profiles.captured_node import OBJECTS, write_node
from tests.exporter.profiles.conftest import MakeNode
from tests.exporter.profiles.pages import CAPTURES, labels_of, of, page, shown, types
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.gpus.nodes import MIG, ONE, TWO

COLLECTORS = ("cpu", "memory", "rapl")
UNIT = "ceems_compute_unit_"
# Families whose numbers are other ones on purpose: each is a row of the page of the migration.
CORRECTED = {
    f"{UNIT}rdma_hca_objects",
    "ceems_rapl_package_joules_total",
    "ceems_rapl_dram_joules_total",
    "ceems_rapl_dram_power_limit_watts_total",
    "ceems_cpu_per_core_count",
    "ceems_exporter_build_info",
    "ceems_scrape_collector_duration_seconds",
}
CORRECTED_V1 = CORRECTED | {
    f"{UNIT}{name}"
    for name in (
        *("cpu_psi_seconds", "memory_psi_seconds", "memsw_fail_count"),
        *("memsw_total_bytes", "memsw_used_bytes"),
    )
}
TICK_S = 0.01


def comparable(found: dict[tuple[str, frozenset[tuple[str, str]]], float], but: set[str]) -> object:
    return {
        (name, frozenset(pair for pair in labels if pair[0] != "path")): value
        for (name, labels), value in found.items()
        if name not in but
    }


@pytest.mark.parametrize(("version", "corrected"), [(2, CORRECTED), (1, CORRECTED_V1)])
async def test_the_page_has_the_numbers_of_ceems_exporter_but_for_those_that_are_corrected(
    version: int, corrected: set[str], tmp_path: Path, node_of: MakeNode
) -> None:
    write_node(tmp_path, version)
    node = node_of(tmp_path, *COLLECTORS, slurm=None)
    await node.poll()
    ours = shown(ceems_0_10(node.stores))
    theirs = page((CAPTURES / f"v{version}.txt").read_text())
    if version == 1:  # they count in ticks there
        for key in ours:
            if key[0].startswith(f"{UNIT}cpu_") and key[0].endswith("_total"):
                ours[key] = math.floor(ours[key] / TICK_S + 1e-6) * TICK_S
    assert comparable(ours, corrected) == pytest.approx(comparable(theirs, corrected), rel=1e-12)
    assert len(ours) > 40


@pytest.mark.parametrize("version", [1, 2])
async def test_what_is_corrected_has_the_number_that_the_node_has(
    version: int, tmp_path: Path, node_of: MakeNode
) -> None:
    rapl = write_node(tmp_path, version)
    node = node_of(tmp_path, *COLLECTORS, slurm=None)
    await node.poll()
    ours = shown(ceems_0_10(node.stores))
    assert of(ours, f"{UNIT}rdma_hca_objects", uuid="1000000") == OBJECTS
    assert of(ours, f"{UNIT}memsw_used_bytes", uuid="1000000") == 85528576
    assert of(ours, f"{UNIT}memsw_total_bytes", uuid="1000000") == 17179865088
    assert labels_of(ours, "ceems_rapl_dram_power_limit_watts_total") == []
    assert bool(labels_of(ours, f"{UNIT}cpu_psi_seconds")) is (version == 2)
    assert of(ours, "ceems_rapl_package_joules_total", index="0") == 0.0
    rapl.show(intel_rapl_0=51_062.972941 + 900.0)
    await node.poll()
    before = of(shown(ceems_0_10(node.stores)), "ceems_rapl_package_joules_total", index="0")
    assert before == pytest.approx(900.0)
    rapl.show(intel_rapl_0=100.0)  # it has wrapped
    await node.poll()
    after = of(shown(ceems_0_10(node.stores)), "ceems_rapl_package_joules_total", index="0")
    assert after == before


async def test_types_and_labels_are_those_of_ceems_exporter(
    tmp_path: Path, node_of: MakeNode
) -> None:
    write_node(tmp_path, 2)
    node = node_of(tmp_path, *COLLECTORS, slurm=None)
    await node.poll()
    text = (CAPTURES / "v2.txt").read_text()
    theirs, kinds = page(text), types(text)
    for family, lines in ceems_0_10(node.stores).families():
        (first, *_) = labels_of(theirs, family.name)
        assert kinds[family.name] == family.kind
        assert first.keys() == set(family.labels)
        assert lines


async def test_version_0_5_has_no_host_of_a_control_group_and_no_later_collector(
    tmp_path: Path, node_of: MakeNode
) -> None:
    write_node(tmp_path, 2)
    HwmonTree(tmp_path / "sys").meter("hwmon0", 0)
    node = node_of(tmp_path, *COLLECTORS, "hwmon", slurm=None)
    await node.poll()
    old, new = shown(ceems_0_5(node.stores)), shown(ceems_0_10(node.stores))
    (labels, *_) = labels_of(old, f"{UNIT}cpus")
    assert labels.keys() == {"manager", "hostname", "uuid"}
    assert {name for name, _ in new} - {name for name, _ in old} == {
        "ceems_hwmon_power_current_watts"
    }


async def test_a_job_of_another_slurmd_has_the_host_of_its_control_group(
    tmp_path: Path, node_of: MakeNode
) -> None:
    tree = CgroupTree(tmp_path)
    for scope, user_us in (("slurmstepd.scope", 1_000_000), ("n2_slurmstepd.scope", 2_000_000)):
        tree.group(f"system.slice/{scope}/job_7", Use(user_us=user_us))
    node = node_of(tmp_path, slurm=SlurmUnits())
    await node.poll()
    new = shown(ceems_0_10(node.stores))
    name = f"{UNIT}cpu_user_seconds_total"
    assert of(new, name, uuid="7", cgrouphostname="n2") == 2.0
    assert of(new, name, uuid="7", cgrouphostname="") == 1.0
    assert len(labels_of(shown(ceems_0_5(node.stores)), name)) == 1  # no label distinguishes them


async def test_a_limit_that_is_not_set_is_what_the_node_has_and_unknown_without_that(
    tmp_path: Path, node_of: MakeNode
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group("system.slice/slurmstepd.scope/job_7", Use())
    (tmp_path / "proc/meminfo").write_text("MemTotal: 64 kB\nSwapTotal: 0 kB\n")
    node = node_of(tmp_path, "memory", slurm=None)
    await node.poll()
    ours = shown(ceems_0_10(node.stores))
    assert of(ours, f"{UNIT}memory_total_bytes") == 65536
    assert of(ours, f"{UNIT}memsw_total_bytes") == 0
    bare = node_of(tmp_path, slurm=None)
    await bare.poll()
    assert labels_of(shown(ceems_0_10(bare.stores)), f"{UNIT}memory_total_bytes") == []


def with_gpus(node: MakeNode, root: Path, monkeypatch: pytest.MonkeyPatch) -> CeemsView:
    made = node(root, slurm=None)
    held = (UnitGpu("0", ONE, "3", 14 / 108), UnitGpu("1", TWO, "", 1.0))
    reading = UnitReading(UnitKey("slurm", "7"), "boot-1", gpus=held)
    made.stores.units.succeeded("slurm", UnitsResult((reading,)), 0.001)
    monkeypatch.setattr(made.stores.collectors, "gpus", lambda: tuple(MIG))
    return ceems_0_10(made.stores)


async def test_gpus_of_a_job_have_their_share_and_their_multiprocessors(
    tmp_path: Path, node_of: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = with_gpus(node_of, tmp_path, monkeypatch)
    ours = shown(view)
    assert of(ours, f"{UNIT}gpu_index_flag", gpuuuid=TWO, hindex="vm/gpu-1", gpuiid="") == 1.0
    part = {"gpuuuid": ONE, "gpuiid": "3", "index": "0"}
    assert of(ours, f"{UNIT}gpu_index_flag", **part) == pytest.approx(14 / 108)
    assert of(ours, f"{UNIT}gpu_sm_count", **part) == 14
    assert of(ours, f"{UNIT}gpu_sm_count", gpuuuid=TWO) == 108
    old = shown(ceems_0_5(view._stores))
    assert of(old, f"{UNIT}gpu_index_flag", gpuuuid=f"{ONE}/3") == pytest.approx(14 / 108)
    assert labels_of(old, f"{UNIT}gpu_sm_count") == []


async def test_sensors_and_networks_have_the_names_of_node_exporter(
    tmp_path: Path, node_of: MakeNode
) -> None:
    sysfs, net = tmp_path / "sys", tmp_path / "proc/1/net"
    HwmonTree(sysfs).meter("hwmon0", 0)
    InfinibandTree(sysfs).adapter("mlx5_0")
    net.mkdir(parents=True)
    numbers = " ".join(map(str, range(1, 17)))
    (net / "dev").write_text(
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs"
        f" drop fifo colls carrier compressed\n  eth0: {numbers}\n"
    )
    node = node_of(tmp_path, "hwmon", "infiniband", "netdev")
    await node.poll()
    ours = shown(ceems_0_10(node.stores))
    assert of(ours, "ceems_hwmon_power_current_watts", sensor="power1") == 344.0
    assert of(ours, "ceems_netdev_receive_frame_total", device="eth0") == 6
    assert of(ours, "ceems_netdev_transmit_colls_total", device="eth0", hostname="vm") == 14
    assert of(ours, "ceems_infiniband_state_id", device="mlx5_0", port="1") == 4
    (labels,) = labels_of(ours, "ceems_infiniband_info")
    assert labels["firmware_version"] == "20.28.1002"
    words = int((sysfs / "class/infiniband/mlx5_0/ports/1/counters/port_rcv_data").read_text())
    assert of(ours, "ceems_infiniband_port_data_received_bytes_total") == 4 * words


async def test_a_cray_has_its_counters_by_domain(tmp_path: Path, node_of: MakeNode) -> None:
    counters = PmCounters(tmp_path / "sys")
    node = node_of(tmp_path, "cray")
    node.collectors["cray"]._sleep = counters.scan  # type: ignore[attr-defined]
    await node.poll()
    ours = shown(ceems_0_10(node.stores))
    assert of(ours, "ceems_cray_pm_counters_power_watts", domain="node") == 724
    assert of(ours, "ceems_cray_pm_counters_energy_joules", domain="accel0") == 2869283299
    assert of(ours, "ceems_cray_pm_counters_power_limit_watts", domain="node") == 2894
    assert of(ours, "ceems_cray_pm_counters_temp_celsius", domain="cpu0") == 41


async def test_a_source_that_cannot_be_read_is_no_success_and_has_no_watts(
    tmp_path: Path, node_of: MakeNode
) -> None:
    node = node_of(tmp_path, "rapl", "ipmi")
    denied = ReadError(Reason.PERMISSION_DENIED, "energy_uj may not be read")
    dcmi = CollectorResult(powers=(DomainPower("node", "dcmi", 400.0),))
    node.stores.collectors.succeeded("ipmi", dcmi, 0.001)
    node.stores.collectors.failed("rapl", denied, 0.001)
    success = "ceems_scrape_collector_success"
    ours = shown(ceems_0_10(node.stores))
    assert (of(ours, success, collector="ipmi_dcmi"), of(ours, success, collector="rapl")) == (1, 0)
    assert not any(name.startswith("ceems_rapl") for name, _ in ours)
    node.stores.collectors.failed("ipmi", denied, 0.001)
    node.pass_s(3600.0)
    node.stores.collectors.withdraw_stale()
    ours = shown(ceems_0_10(node.stores))
    assert of(ours, success, collector="ipmi_dcmi") == 0
    assert labels_of(ours, "ceems_ipmi_dcmi_current_watts") == []
