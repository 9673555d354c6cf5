"""Ports of adapters over trees as kernels lay them out: this machine has no adapter."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.infiniband.collector import (
    InfinibandCollector,
    parse_rate,
    parse_state,
)
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.collectors.infiniband.tree import COUNTERS, InfinibandTree

PREFIX = "rackwatt_node_infiniband_"


async def read(sysfs: Path) -> CollectorResult:
    return await InfinibandCollector(HostPaths("n1", sysfs=sysfs)).read()


def values(found: CollectorResult, device: str = "mlx5_0", port: str = "1") -> dict[str, float]:
    return {
        "/".join((one.family.name.removeprefix(PREFIX), *one.labels[2:])): one.value
        for one in found.samples
        if one.labels[:2] == (device, port)
    }


async def test_infiniband_has_every_counter_of_a_port_and_data_in_bytes(tmp_path: Path) -> None:
    InfinibandTree(tmp_path).adapter("mlx5_0")
    found = await read(tmp_path)
    assert found.error is None
    assert values(found) == {
        "receive_bytes_total": 4_000_000_028, "transmit_bytes_total": 60,
        "receive_packets_total": 11, "transmit_packets_total": 17,
        "receive_unicast_packets_total": 20, "transmit_unicast_packets_total": 21,
        "receive_multicast_packets_total": 6, "transmit_multicast_packets_total": 7,
        "receive_errors_total": 10, "receive_constraint_errors_total": 8,
        "receive_remote_physical_errors_total": 12, "receive_switch_relay_errors_total": 13,
        "transmit_constraint_errors_total": 14, "transmit_discards_total": 16,
        "transmit_wait_ticks_total": 18, "symbol_errors_total": 19,
        "link_error_recoveries_total": 4, "link_downed_total": 3,
        "local_link_integrity_errors_total": 5, "excessive_buffer_overrun_errors_total": 2,
        "management_packets_dropped_total": 1, "hardware_events_total/out_of_sequence": 22,
        "hardware_events_total/np_cnp_sent": 23, "port_state_id": 4,
        "port_physical_state_id": 5, "port_rate_bytes_per_second": 12.5e9,
    }  # fmt: skip


async def test_infiniband_keeps_ports_and_adapters_apart_and_describes_these(
    tmp_path: Path,
) -> None:
    tree = InfinibandTree(tmp_path)
    tree.adapter("mlx5_0", ports=2)
    other = tree.adapter("mlx5_1")
    (other / "ports/1/counters/port_rcv_packets").write_text("77\n")
    (other / "board_id").unlink()
    found = await read(tmp_path)
    assert values(found, "mlx5_0", "2")["receive_packets_total"] == 11
    assert values(found, "mlx5_1")["receive_packets_total"] == 77
    assert [one.labels for one in found.samples if one.family.name == f"{PREFIX}info"] == [
        ("mlx5_0", "MT_0000000222", "20.28.1002", "MT4123"),
        ("mlx5_1", "", "20.28.1002", "MT4123"),
    ]


async def test_infiniband_takes_the_counter_of_64_bits_where_there_are_two(tmp_path: Path) -> None:
    port = InfinibandTree(tmp_path).adapter("mlx4_0") / "ports/1"
    (port / "counters/port_rcv_data").write_text(f"{2**32 - 1}\n")  # has stopped
    (port / "counters/port_xmit_data").write_text(f"{2**32 - 1}\n")
    (port / "counters_ext").mkdir()
    (port / "counters_ext/port_rcv_data_64").write_text("5000000000\n")
    (port / "counters_ext/port_unicast_rcv_packets").write_text("31\n")
    found = values(await read(tmp_path), "mlx4_0")
    assert found["receive_bytes_total"] == 20_000_000_000
    assert found["receive_unicast_packets_total"] == 31
    assert "transmit_bytes_total" not in found


@pytest.mark.parametrize("text", ["N/A (no PMA)", None])
async def test_infiniband_has_no_sample_of_a_counter_that_a_port_does_not_have(
    tmp_path: Path, text: str | None
) -> None:
    port = InfinibandTree(tmp_path).adapter("mlx5_0") / "ports/1"
    if text is None:
        (port / "counters/port_rcv_data").unlink()
    else:
        (port / "counters/port_rcv_data").write_text(text)
    found = await read(tmp_path)
    assert found.error is None
    assert len(values(found)) == len(COUNTERS) - 1 + 2 + 3
    assert "receive_bytes_total" not in values(found)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("counters/port_rcv_data", "-1"),
        ("counters/port_rcv_data", "lots"),
        ("hw_counters/out_of_sequence", ""),
        ("state", "ACTIVE"),
        ("phys_state", ""),
        ("rate", "fast"),
    ],
)
async def test_infiniband_serves_the_rest_beside_garbage(
    tmp_path: Path, file: str, text: str
) -> None:
    port = InfinibandTree(tmp_path).adapter("mlx5_0") / "ports/1"
    (port / file).write_text(text)
    found = await read(tmp_path)
    assert found.error is not None
    assert found.error.reason is Reason.BAD_REPLY
    assert file in str(found.error)
    assert len(values(found)) == len(COUNTERS) + 2 + 3 - 1


async def test_infiniband_of_a_driver_without_an_answer_is_sensor_unreadable(
    tmp_path: Path,
) -> None:
    port = InfinibandTree(tmp_path).adapter("mlx5_0") / "ports/1"
    (port / "counters/link_downed").unlink()
    (port / "counters/link_downed").symlink_to("/proc/self/mem")  # EIO, from the kernel
    found = await read(tmp_path)
    assert found.error is not None
    assert found.error.reason is Reason.SENSOR_UNREADABLE


async def test_infiniband_is_absent_without_an_adapter_and_noticed_when_one_appears(
    tmp_path: Path,
) -> None:
    collector = InfinibandCollector(HostPaths("n1", sysfs=tmp_path))
    for _ in range(2):
        with pytest.raises(ReadError, match="has no adapter") as caught:
            await collector.read()
        assert caught.value.reason is Reason.ABSENT
        (tmp_path / "class/infiniband").mkdir(parents=True, exist_ok=True)
    (tmp_path / "class/infiniband").rmdir()
    InfinibandTree(tmp_path).adapter("mlx5_0")
    assert (await collector.read()).error is None
    await collector.close()


@pytest.mark.parametrize(
    ("text", "rate"),
    [("2.5 Gb/sec (1X SDR)", 312.5e6), ("400 Gb/sec (4X NDR)\n", 50e9), ("25 Gb/sec", 3.125e9)],
)
def test_infiniband_rates_are_bytes_per_second(text: str, rate: float) -> None:
    assert parse_rate(text.encode(), "rate") == rate


@given(st.binary(max_size=30))
def test_infiniband_states_and_rates_of_garbage_are_bad_replies(text: bytes) -> None:
    for parse in (parse_state, parse_rate):
        try:
            found = parse(text, "state")
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
        else:
            assert text[:1].isdigit()
            assert found >= 0
