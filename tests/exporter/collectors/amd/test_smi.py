"""amd-smi of ROCm, by what it prints: its JSON as a list, or as an object with one."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.node.amd import Amd
from rackwatt_exporter.collectors import gpus
from rackwatt_exporter.collectors.amd import smi
from rackwatt_exporter.collectors.amd.board import result
from rackwatt_exporter.collectors.amd.collector import AmdCollector
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import EnergyCounter, ReadError, Reason

Json = dict[str, Any]


def static(gpu: int, bdf: str, serial: str, units: int, mode: str, partition: int) -> Json:
    return {
        "gpu": gpu,
        "asic": {
            "market_name": "AMD Instinct MI300X",
            "asic_serial": serial,
            "num_compute_units": units,
        },
        "bus": {"bdf": bdf},
        "board": {"product_serial": serial},
        "partition": {"accelerator_partition": mode, "partition_id": partition},
    }


def metric(gpu: int, joules: object, watts: object, activity: object = "N/A") -> Json:
    return {
        "gpu": gpu,
        "usage": {"gfx_activity": activity, "mm_activity": "N/A"},
        "power": {"socket_power": watts},
        "energy": {"total_energy_consumption": joules},
        "mem_usage": {
            "total_vram": {"value": 196592, "unit": "MB"},
            "used_vram": {"value": 285, "unit": "MB"},
        },
    }


def of(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit}


STATIC = [
    static(0, "0000:05:00.0", "0xA100000000000001", 304, "SPX", 0),
    *(static(n + 1, f"0000:26:00.{n}", "0xA100000000000002", 38, "CPX", n) for n in range(8)),
]
METRIC = [
    metric(0, of(139586437.12, "J"), of(748, "W"), of(37, "%")),
    metric(1, of(88123456.789, "J"), of(412, "W"), of(37, "%")),
    *(metric(n, "N/A", "N/A") for n in range(2, 9)),
]


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("wrapped", [False, True])
def test_boards_and_their_partitions_are_read_of_either_shape(wrapped: bool) -> None:
    outputs = [encoded({"gpu_data": one} if wrapped else one) for one in (STATIC, METRIC)]
    found = result(smi.boards(*outputs))
    assert found.energies == (
        EnergyCounter("gpu", "GPU-a100000000000001", 139586437.12, math.inf, True, 4000.0),
        EnergyCounter("gpu", "GPU-a100000000000002", 88123456.789, math.inf, True, 4000.0),
    )
    assert (found.powers, found.error) == ((), None)
    whole, parted = found.gpus
    assert (whole.mode, whole.compute_units, whole.memory_bytes) == ("none", 304, 196592 * 2**20)
    assert (parted.mode, parted.compute_units, len(parted.instances)) == ("CPX", 304, 8)
    assert parted.instances[3].bus_id == "0000:26:00.3"
    used = [one for one in found.samples if one.family is gpus.UTILIZATION]
    assert [one.value for one in used] == [0.37, 0.37]


def test_units_are_heeded_and_one_that_is_unknown_is_no_number() -> None:
    only = encoded(STATIC[:1])
    (board,) = smi.boards(only, encoded([metric(0, of(2e6, "uJ"), of(500, "mW"))]))
    assert (board.joules, board.watts) == (2.0, 0.5)
    (board,) = smi.boards(only, encoded([metric(0, of(5, "kWh"), of(0, "W"))]))
    assert (board.joules, board.watts) == (None, None)
    assert result([board]).error is not None


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (b"", Reason.BAD_REPLY),
        (b"AMDSMI_STATUS_NO_DRV", Reason.BAD_REPLY),
        (b'{"error": "none"}', Reason.BAD_REPLY),
        (b'["N/A"]', Reason.BAD_REPLY),
        (b"[{}]", Reason.BAD_REPLY),
        (b"[]", Reason.ABSENT),
    ],
)
def test_output_that_lists_no_gpu_is_a_reason(output: bytes, reason: Reason) -> None:
    with pytest.raises(ReadError) as raised:
        smi.boards(output, encoded(METRIC))
    assert raised.value.reason is reason


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
NAMES = st.sampled_from(("gpu", "bdf", "value", "unit", "partition_id", "num_compute_units"))
VALUES = LEAVES | st.lists(LEAVES, max_size=2) | st.dictionaries(NAMES, LEAVES, max_size=3)


@given(st.dictionaries(st.sampled_from(sorted(STATIC[0])), VALUES), VALUES)
def test_any_json_is_read_or_refused(replaced: Json, measured: object) -> None:
    outputs = [msgspec.json.encode([STATIC[0] | replaced]), msgspec.json.encode([measured])]
    try:
        boards = smi.boards(*outputs)
    except ReadError as error:
        assert error.reason in (Reason.BAD_REPLY, Reason.ABSENT)
    else:
        assert len(boards) == 1


async def test_the_command_of_the_document_is_run(tmp_path: Path) -> None:
    command = tmp_path / "amd-smi"
    for name, value in (("static", STATIC), ("metric", METRIC)):
        (tmp_path / name).write_text(json.dumps(value))
    command.write_text(f'#!/bin/sh\n[ "$2" = --json ] && exec cat {tmp_path}/$1\n')
    command.chmod(0o755)
    host, secrets = HostPaths("n1", sysfs=tmp_path), Secrets(tmp_path)
    found = await AmdCollector(host, Amd(command=[str(command)]), secrets).read()
    assert len(found.energies) == 2
    with pytest.raises(ReadError) as raised:
        await AmdCollector(host, Amd(command=[str(tmp_path / "none")]), secrets).read()
    assert raised.value.reason is Reason.COMMAND_FAILED
