"""The board's sensors over trees as kernels lay them out: this machine has none of its own."""

import asyncio
import os
from pathlib import Path

import pytest

from rackwatt_crds.node.hwmon import Hwmon
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.hwmon.collector import INFO, STATISTIC, HwmonCollector
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import DomainPower, ReadError, Reason
from tests.exporter.collectors.hwmon.tree import HwmonTree, gpu_and_supply


def collector(sysfs: Path, settings: Hwmon | None = None) -> HwmonCollector:
    return HwmonCollector(HostPaths("n1", sysfs=sysfs), settings, Secrets(Path()))


async def read(sysfs: Path, settings: Hwmon | None = None) -> CollectorResult:
    made = collector(sysfs, settings)
    try:
        return await made.read()
    finally:
        await made.close()


def powers(found: CollectorResult) -> dict[tuple[str, str], float]:
    return {(one.domain, one.zone): one.watts for one in found.powers}


async def test_hwmon_takes_the_only_power_meter_of_acpi_for_the_whole_node(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.meter("hwmon0", 0)
    gpu_and_supply(tree)
    found = await read(tmp_path)
    assert found.error is None
    assert powers(found) == {
        ("node", "ACPI000D:00/power1"): 344.0,
        ("amdgpu", "0000:03:00.0/PPT"): 41.0,
        ("pmbus", "7-0058/pin"): 380.0,
        ("pmbus", "7-0058/pout1"): 350.5,
        ("ina230", "7-0040/power1"): 12.25,
    }
    assert [(one.domain, one.zone, one.joules) for one in found.energies] == [
        ("xe", "0000:09:00.0/card", 5000.0), ("xe", "0000:09:00.0/pkg", 2000.0),
    ]  # fmt: skip


async def test_hwmon_adds_no_part_to_another(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.meter("hwmon0", 0)
    gpu_and_supply(tree)
    found = await read(tmp_path)
    assert [one.zone for one in found.powers if one.additive] == ["ACPI000D:00/power1"]
    assert not any(one.additive for one in found.energies)


async def test_hwmon_takes_none_of_several_power_meters_for_the_node(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    for number, part in enumerate(("Module", "Grace", "CPU", "SysIO")):  # nested, as on Grace
        tree.meter(f"hwmon{number}", number, power1_oem_info=f"{part} Power Socket 0")
    found = await read(tmp_path)
    assert {one.domain for one in found.powers} == {"power_meter"}
    assert not any(one.additive for one in found.powers)


@pytest.mark.parametrize(
    ("measures", "values", "domain"),
    [
        ((), {}, "node"),
        (("LNXSYBUS:00",), {}, "node"),
        (("LNXSYSTM:00",), {"power1_oem_info": "Intel Corporation"}, "node"),
        (("ACPI0007:00", "ACPI0007:01"), {}, "power_meter"),  # the processors
        ((), {"power1_is_battery": 1}, "power_meter"),
        ((), {"power1_oem_info": "Grace Power Socket 0"}, "power_meter"),
    ],
)
async def test_hwmon_takes_a_power_meter_for_the_node_if_it_measures_no_part(
    tmp_path: Path, measures: tuple[str, ...], values: dict[str, object], domain: str
) -> None:
    HwmonTree(tmp_path).meter("hwmon0", 0, *measures, **values)
    (power,) = (await read(tmp_path)).powers
    assert (power.domain, power.additive) == (domain, domain == "node")


async def test_hwmon_takes_no_other_driver_of_that_name_for_the_node(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "power_meter", "platform/board", power1_average=5_000_000)
    assert powers(await read(tmp_path)) == {("power_meter", "board/power1"): 5.0}


async def test_hwmon_takes_the_sensor_for_the_node_that_the_document_names(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.meter("hwmon0", 0)
    gpu_and_supply(tree)
    found = await read(tmp_path, Hwmon(whole_node="7-0058/pin"))
    assert [one for one in found.powers if one.domain == "node"] == [
        DomainPower("node", "7-0058/pin", 380.0)
    ]
    assert ("power_meter", "ACPI000D:00/power1") in powers(found)
    missing = await read(tmp_path, Hwmon(whole_node="7-0058/none"))
    assert "node" not in {one.domain for one in missing.powers}
    assert missing.error is not None
    assert missing.error.reason is Reason.NO_POWER_SENSOR
    assert "only ACPI000D:00/power1, 0000:03:00.0/PPT" in str(missing.error)


async def test_hwmon_names_chips_by_their_devices_and_says_what_they_are(tmp_path: Path) -> None:
    gpu_and_supply(HwmonTree(tmp_path))
    found = await read(tmp_path)
    info = [one.labels for one in found.samples if one.family is INFO]
    assert info[:2] == [
        ("0000:03:00.0/PPT", "pci0000:00_0000:03:00_0", "amdgpu", "power1", "PPT"),
        ("7-0058/pin", "i2c_7_7_0058", "pmbus", "power1", "pin"),
    ]
    assert {one.labels: one.value for one in found.samples if one.family is STATISTIC} == {
        ("7-0058/pin", "average"): 370.0,
        ("7-0058/pin", "minimum"): 90.0,
        ("7-0058/pin", "maximum"): 500.0,
    }


async def test_hwmon_keeps_zones_apart_that_have_one_label_or_one_device(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "ina228", "i2c-1/1-0040", power1_input=9_000_000, power1_label="vdd",
              energy1_input=77_000_000, energy1_label="vdd")  # fmt: skip
    tree.chip("hwmon1", "other", "i2c-1/1-0040", power1_input=8_000_000)
    found = await read(tmp_path)
    assert [one.zone for one in found.powers] == ["1-0040/power1", "1-0040/power1@hwmon1"]
    assert [one.zone for one in found.energies] == ["1-0040/energy1"]


async def test_hwmon_reads_attributes_where_older_drivers_have_them(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "power_meter", "LNXSYSTM:00/LNXSYBUS:00/ACPI000D:00", old=True,
              power1_average=200_000_000)  # fmt: skip
    assert powers(await read(tmp_path)) == {("node", "ACPI000D:00/power1"): 200.0}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("4294967295000", Reason.SENSOR_UNREADABLE),  # of ACPI: unknown
        ("-1", Reason.SENSOR_UNREADABLE),
        ("9000000000000", Reason.IMPLAUSIBLE),
        ("0", Reason.IMPLAUSIBLE),
        ("1" * 400, Reason.BAD_REPLY),
        ("N/A", Reason.BAD_REPLY),
        ("", Reason.BAD_REPLY),
        ("34.5", Reason.BAD_REPLY),
    ],
)
async def test_hwmon_refuses_what_no_machine_draws_and_serves_the_rest(
    tmp_path: Path, value: str, reason: Reason
) -> None:
    tree = HwmonTree(tmp_path)
    tree.meter("hwmon0", 0, power1_average=value)
    tree.chip("hwmon1", "ina230", "i2c-7/7-0040", power1_input=12_250_000)
    found = await read(tmp_path)
    assert powers(found) == {("ina230", "7-0040/power1"): 12.25}
    assert found.error is not None
    assert found.error.reason is reason
    assert "power1_average" in str(found.error)


async def test_hwmon_of_a_sensor_with_a_fault_has_the_reason_and_no_watts(tmp_path: Path) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "pmbus", "i2c-7/7-0058", power1_input=380_000_000, power1_fault=1)
    with pytest.raises(ReadError, match="power1_fault: the sensor reports a fault") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    tree.show("hwmon0", power1_fault=0)
    assert powers(await read(tmp_path)) == {("pmbus", "7-0058/power1"): 380.0}


async def test_hwmon_of_a_driver_without_an_answer_has_the_words_of_the_kernel(
    tmp_path: Path,
) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "amdgpu", "pci0000:00/0000:03:00.0", power1_input=1)
    value = tmp_path / "class/hwmon/hwmon0/power1_input"
    value.unlink()
    value.symlink_to("/proc/self/mem")  # whose first page no process has: EIO, from the kernel
    with pytest.raises(ReadError, match="Input/output error") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.SENSOR_UNREADABLE


async def test_hwmon_notices_chips_that_come_and_go_and_closes_their_files(tmp_path: Path) -> None:
    tree, made = HwmonTree(tmp_path), collector(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ReadError, match="no sensor of power or energy") as caught:
        await made.read()
    assert caught.value.reason is Reason.ABSENT
    tree.meter("hwmon0", 0)
    assert powers(await made.read()) == {("node", "ACPI000D:00/power1"): 344.0}
    tree.remove("hwmon0")
    tree.chip("hwmon1", "ina230", "i2c-7/7-0040", power1_input=12_250_000)
    assert powers(await made.read()) == {("ina230", "7-0040/power1"): 12.25}
    await made.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_hwmon_is_absent_where_no_chip_measures_power(tmp_path: Path) -> None:
    HwmonTree(tmp_path).chip("hwmon0", "coretemp", "platform/coretemp.0", temp1_input=41000)
    with pytest.raises(ReadError) as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.ABSENT


async def test_hwmon_waits_for_a_driver_that_hangs_without_blocking_and_reads_it_once(
    tmp_path: Path,
) -> None:
    tree = HwmonTree(tmp_path)
    tree.chip("hwmon0", "pmbus", "i2c-7/7-0058", power1_input=1)
    value = tmp_path / "class/hwmon/hwmon0/power1_input"
    value.unlink()
    os.mkfifo(value)  # open() returns when another process writes
    made = collector(tmp_path)
    reading = asyncio.create_task(made.read())
    while not made._thread.is_busy:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    with pytest.raises(ReadError, match="a driver of this machine hangs") as caught:
        await made.read()
    assert caught.value.reason is Reason.TIMEOUT
    await made.close()
    os.close(os.open(value, os.O_WRONLY))
    while made._thread.is_busy:
        await asyncio.sleep(0)
