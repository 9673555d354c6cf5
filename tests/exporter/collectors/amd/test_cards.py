"""GPUs of AMD over trees as amdgpu lays them out: MI300X whole and in CPX mode, MI250X, an APU."""

import math
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors import gpus
from rackwatt_exporter.collectors.amd import metrics_table
from rackwatt_exporter.collectors.amd.board import gpu_uuid
from rackwatt_exporter.collectors.amd.collector import AmdCollector
from rackwatt_exporter.collectors.background import BackgroundCall
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError, Reason
from tests.exporter.collectors.amd.tree import Cards, table

MI300 = {
    "unique_id": "a100000000000001",
    "product_name": "AMD Instinct MI300X OAM",
    "serial_number": "A1",
    "current_compute_partition": "SPX",
    "gpu_busy_percent": "37",
    "mem_info_vram_total": "206141652992",
    "mem_info_vram_used": "298844160",
}
SENSORS = {
    "power1_average": "748000000",
    "power1_cap": "750000000",
    "temp2_input": "61000",
    "freq1_input": "2100000000",
}


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards(tmp_path)


async def read(cards: Cards) -> CollectorResult:
    collector = AmdCollector(HostPaths("n1", sysfs=cards.sysfs), None, Secrets(cards.sysfs))
    return await collector.read()


def samples(found: CollectorResult, family: MetricFamily) -> dict[tuple[str, ...], float]:
    return {one.labels: one.value for one in found.samples if one.family is family}


async def test_a_whole_board_has_its_energy_counter(cards: Cards) -> None:
    device = cards.add(1, "0000:05:00.0", MI300, SENSORS)
    (device / "gpu_metrics").write_bytes(table(4, 139586437.125))
    cards.kfd(1, "0000:05:00.0", 304, 129)
    found = await read(cards)
    uuid = "GPU-a100000000000001"
    assert found.energies == (EnergyCounter("gpu", uuid, 139586437.125, math.inf, True, 4000.0),)
    assert (found.powers, found.error) == ((), None)
    (gpu,) = found.gpus
    assert (gpu.bus_id, gpu.minor, gpu.mode, gpu.compute_units) == (
        "0000:05:00.0",
        129,
        "none",
        304,
    )
    assert samples(found, gpus.UTILIZATION) == {("0", uuid): 0.37}
    assert samples(found, gpus.MEMORY_USED) == {("0", uuid): 298844160}
    assert samples(found, gpus.TEMPERATURE) == {("0", uuid): 61.0}
    assert samples(found, gpus.POWER_LIMIT) == {("0", uuid): 750.0}
    assert samples(found, gpus.CLOCK) == {("0", uuid, "sm"): 2_100_000_000}


async def test_partitions_are_instances_of_one_board_whose_energy_is_counted_once(
    cards: Cards,
) -> None:
    device = cards.add(0, "0000:26:00.0", MI300 | {"current_compute_partition": "CPX"}, SENSORS)
    (device / "gpu_metrics").write_bytes(table(7, 5000.0))
    for number in range(8):
        if number:
            cards.partition(number, number - 1)
        cards.kfd(number, f"0000:26:00.{number}", 38, 128 + number)
    found = await read(cards)
    assert [(one.zone, one.joules) for one in found.energies] == [("GPU-a100000000000001", 5000.0)]
    (gpu,) = found.gpus
    assert (gpu.mode, gpu.compute_units) == ("CPX", 304)
    assert [one.uuid for one in gpu.instances[:3]] == [
        "0000:26:00.0/0",
        "amdgpu_xcp_0",
        "amdgpu_xcp_1",
    ]
    assert gpu.instances[7].bus_id == "0000:26:00.7"
    shares = samples(found, gpus.INSTANCE_COMPUTE)
    assert set(shares.values()) == {1 / 8}
    assert len(shares) == 8


async def test_a_board_without_a_counter_has_its_power(cards: Cards) -> None:
    cards.add(0, "0000:05:00.0", MI300, {"power1_input": "412000000"})
    assert (await read(cards)).powers == (DomainPower("gpu", "GPU-a100000000000001", 412.0),)


async def test_a_die_whose_module_is_measured_by_another_has_no_power_and_no_error(
    cards: Cards,
) -> None:
    one, two = {"unique_id": "1", "serial_number": "S"}, {"unique_id": "2", "serial_number": "S"}
    cards.add(0, "0000:c1:00.0", one, {"power1_average": "412000000"})
    cards.add(1, "0000:c6:00.0", two, {"power1_average": "0"})
    found = await read(cards)
    assert [power.zone for power in found.powers] == ["GPU-0000000000000001"]
    assert found.error is None
    assert len(found.gpus) == 2


async def test_a_board_that_measures_nothing_has_a_reason(cards: Cards) -> None:
    cards.add(0, "0000:05:00.0", MI300, {})
    error = (await read(cards)).error
    assert error is not None
    assert error.reason is Reason.NO_POWER_SENSOR


async def test_power_of_an_apu_is_that_of_its_processor_too(cards: Cards) -> None:
    sensors = {"power1_input": "15000000", "in1_label": "vddnb"}
    device = cards.add(0, "0000:08:00.0", {"class": "0x030000"}, sensors)
    (device / "gpu_metrics").write_bytes(table(3, 9.0))
    (power,) = (await read(cards)).powers
    assert power == DomainPower("gpu", "0000:08:00.0", 15.0, additive=False)


async def test_cards_of_others_and_outputs_are_left_out(cards: Cards) -> None:
    cards.add(0, "0000:01:00.0", {"vendor": "0x10de"}, {})
    (cards.sysfs / "class/drm/card0-DP-1").mkdir()
    (cards.sysfs / "class/drm/version").write_text("drm 1.1.0 20060810\n")
    with pytest.raises(ReadError) as raised:
        await read(cards)
    assert raised.value.reason is Reason.ABSENT


@pytest.mark.parametrize("text", ["", "-1", "12 W", "9" * 30, "\xff"])
async def test_a_file_that_is_garbage_costs_its_value_alone(cards: Cards, text: str) -> None:
    cards.add(0, "0000:05:00.0", MI300 | {"gpu_busy_percent": text}, SENSORS)
    found = await read(cards)
    assert found.error is not None
    assert found.error.reason is Reason.BAD_REPLY
    assert len(found.powers) == 1
    assert samples(found, gpus.UTILIZATION) == {}


async def test_a_file_that_cannot_be_read_is_a_reason(cards: Cards) -> None:
    device = cards.add(0, "0000:05:00.0", MI300, SENSORS)
    (device / "gpu_busy_percent").unlink()
    (device / "gpu_busy_percent").mkdir()
    error = (await read(cards)).error
    assert error is not None
    assert error.reason is Reason.SENSOR_UNREADABLE


async def test_a_driver_that_hangs_keeps_one_thread(cards: Cards) -> None:
    device = cards.add(0, "0000:05:00.0", MI300, SENSORS)
    os.mkfifo(device / "gpu_metrics")  # open() waits for a writer
    collector = AmdCollector(HostPaths("n1", sysfs=cards.sysfs), None, Secrets(cards.sysfs))
    collector._cards._answer_s = 0.01
    before = threading.active_count()
    for _ in range(5):
        with pytest.raises(ReadError) as raised:
            await collector.read()
        assert raised.value.reason is Reason.TIMEOUT
    assert threading.active_count() == before + 1
    with (device / "gpu_metrics").open("wb") as writer:
        writer.write(table(3, 12.5))
    collector._cards._answer_s = 60.0
    assert [one.joules for one in (await collector.read()).energies] == [12.5]


async def test_what_a_background_call_raises_arrives() -> None:
    def fail() -> None:
        raise ReadError(Reason.ABSENT, "nothing is here")

    with pytest.raises(ReadError, match="nothing is here"):
        await BackgroundCall(fail, "it").call()


@pytest.mark.parametrize(
    ("content", "expected"), [(n, 2.5) for n in range(1, 8)] + [(0, None), (9, None)]
)
def test_the_counter_is_where_each_version_of_the_table_has_it(
    content: int, expected: float | None
) -> None:
    assert metrics_table.joules(table(content, 2.5)) == expected


def test_a_table_without_a_counter_has_none() -> None:
    assert metrics_table.joules(table(3, 0.0)) is None
    assert metrics_table.joules(table(3, 1.0)[:4] + b"\xff" * 116) is None
    assert metrics_table.joules(table(0, 1.0, table_format=2)) is None  # of an APU
    assert metrics_table.joules(table(3, 1.0)[:40]) is None  # cut off


@given(st.binary(max_size=200))
def test_any_table_is_read(content: bytes) -> None:
    found = metrics_table.joules(content)
    assert found is None or 0 < found < 2**48


def test_a_unique_id_becomes_the_uuid_of_rocm() -> None:
    assert gpu_uuid("0xA1000000000001") == "GPU-00a1000000000001"
    assert [gpu_uuid(text) for text in ("", "0", "xyz", "N/A", "1" * 17)] == [None] * 5
