"""GPUs of AMD by `amd-smi static --json` and `amd-smi metric --json` of ROCm.

Both print a list, or an object with the list as `gpu_data`. A value is an object with `value` and
`unit`, or the text "N/A". Each partition is an entry of its own; the first one of a board has what
is measured of all of it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rackwatt_exporter.collectors.amd.board import AmdBoard, gpu_uuid
from rackwatt_exporter.collectors.gpus import GpuUse
from rackwatt_exporter.gpu import Gpu, GpuInstance, bus_id
from rackwatt_exporter.reading import ReadError, Reason

STATIC, METRIC = ("static", "--json"), ("metric", "--json")
_MEBI = 1024 * 1024
_MAX = 1e15
_ALONE = ("SPX", "N/A", "")
_FACTORS = {"J": 1.0, "mJ": 1e-3, "uJ": 1e-6, "W": 1.0, "mW": 1e-3}

Entry = Mapping[str, Any]


def boards(static: bytes, metric: bytes) -> list[AmdBoard]:
    """Return the boards of both outputs.

    Raises:
        ReadError: bad_reply, where they are not as above; absent, where there is no GPU.
    """
    metrics = {_integer(entry.get("gpu")): entry for entry in _entries(metric, "metric")}
    by_board: dict[str, list[Entry]] = defaultdict(list)
    for entry in _entries(static, "static"):
        by_board[_slot(entry)].append(entry)
    if not by_board:
        raise ReadError(Reason.ABSENT, "amd-smi lists no GPU")
    return [
        _board(index, parts, metrics)
        for index, parts in enumerate(by_board[slot] for slot in sorted(by_board))
    ]


def _board(index: int, parts: Sequence[Entry], metrics: Mapping[int | None, Entry]) -> AmdBoard:
    parts = sorted(parts, key=lambda entry: _partition(entry))
    first = parts[0]
    measured = metrics.get(_integer(first.get("gpu")), {})
    address = _address(first)
    modes = _in(first, "partition")
    mode = str(modes.get("accelerator_partition") or modes.get("compute_partition") or "")
    is_alone = mode in _ALONE
    units = [_integer(_in(entry, "asic").get("num_compute_units")) for entry in parts]
    gpu = Gpu(
        vendor="amd",
        index=index,
        uuid=gpu_uuid(str(_in(first, "asic").get("asic_serial", ""))) or address,
        bus_id=address,
        model=str(_in(first, "asic").get("market_name", "")),
        driver=str(_in(first, "driver").get("version", "")),
        mode="none" if is_alone else mode,
        compute_units=None if None in units else sum(filter(None, units)),
        memory_bytes=_bytes(_in(measured, "mem_usage").get("total_vram")),
        instances=() if is_alone else tuple(map(_instance, parts)),
    )
    return AmdBoard(
        gpu,
        _use(measured),
        joules=_scaled(_in(measured, "energy").get("total_energy_consumption")),
        watts=_scaled(_in(measured, "power").get("socket_power")),
        serial=str(_in(first, "board").get("product_serial", "")),
    )


def _instance(entry: Entry) -> GpuInstance:
    address, number = _address(entry), _partition(entry)
    units = _integer(_in(entry, "asic").get("num_compute_units"))
    return GpuInstance(str(number), f"{address}/{number}", units, None, address)


def _use(measured: Entry) -> GpuUse:
    percent = _value(_in(measured, "usage").get("gfx_activity"))
    temperatures = _in(measured, "temperature")
    celsius = _value(temperatures.get("edge"))
    return GpuUse(
        None if percent is None or percent > 100 else percent / 100,
        _bytes(_in(measured, "mem_usage").get("used_vram")),
        _value(temperatures.get("hotspot")) if celsius is None else celsius,
    )


def _entries(output: bytes, command: str) -> list[Entry]:
    try:
        found = msgspec.json.decode(output)
    except msgspec.DecodeError as error:
        message = f"amd-smi {command} printed {output[:80]!r}: {error}"
        raise ReadError(Reason.BAD_REPLY, message) from None
    listed = found.get("gpu_data") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        message = f"amd-smi {command} printed JSON that is no list of GPUs"
        raise ReadError(Reason.BAD_REPLY, message)
    return listed


def _in(entry: Entry, name: str) -> Entry:
    found = entry.get(name)
    return found if isinstance(found, dict) else {}


def _address(entry: Entry) -> str:
    text = str(_in(entry, "bus").get("bdf", ""))
    address = bus_id(text)
    if address is None:
        message = f"amd-smi static has a GPU at {text[:40]!r}, which is no PCI address"
        raise ReadError(Reason.BAD_REPLY, message)
    return address


def _slot(entry: Entry) -> str:
    """Return the PCI address without the function, which is that of a partition."""
    return _address(entry).rpartition(".")[0]


def _partition(entry: Entry) -> int:
    return _integer(_in(entry, "partition").get("partition_id")) or 0


def _value(leaf: object) -> float | None:
    """Return the number of a value; None for "N/A", and for what is no finite positive number."""
    number = leaf.get("value") if isinstance(leaf, dict) else leaf
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return None
    return float(number) if 0 <= number < _MAX else None


def _scaled(leaf: object) -> float | None:
    """Return joules or watts; one of 0 is not measured."""
    unit = str(leaf.get("unit", "")) if isinstance(leaf, dict) else ""
    factor, value = _FACTORS.get(unit), _value(leaf)
    return value * factor if factor and value else None


def _bytes(leaf: object) -> int | None:
    value = _value(leaf)
    return None if value is None else int(value * _MEBI)


def _integer(value: object) -> int | None:
    number = _value(value)
    return None if number is None else int(number)
