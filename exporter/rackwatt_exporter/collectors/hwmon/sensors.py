"""Sensors of power and energy below /sys/class/hwmon, and which of them is the whole node.

`hwmon3` is another chip after the next boot, so chips are named by their devices. A channel has
`power1_input`, or `power1_average`, or both; `energy1_input`; and often a label.

Few sensors say what they measure. The power meter of ACPI 4.0 (ACPI000D, section 10.4) does:
without a list of measured devices it measures the system. Grace has one for each part of a module,
nested in each other, with the part in `oem_info`. A machine with several has none that is certain.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from rackwatt_exporter.collectors.open_file import OpenFile

POWER_METER = "power_meter"
_POWER_METER_ID = "ACPI000D"
_VALUE = re.compile(r"(power|energy)([0-9]+)_(input|average)")
_UNCLEAN = re.compile(r"[^a-z0-9:_]")
_STATISTICS = {"average": "average", "input_lowest": "minimum", "input_highest": "maximum"}
_SYSTEM = ("LNXSYSTM", "LNXSYBUS")  # the root of ACPI's devices, \ and \_SB


@dataclass(frozen=True, slots=True)
class HwmonSensor:
    """One channel of a chip. `chip` is the name that node_exporter gives the chip."""

    zone: str
    chip: str
    chip_name: str
    name: str
    label: str
    value: OpenFile
    fault: OpenFile | None = None
    statistics: dict[str, OpenFile] = field(default_factory=dict)
    is_whole: bool = False

    @property
    def counts_energy(self) -> bool:
        """Whether it counts energy; otherwise it measures power."""
        return self.name.startswith("energy")

    def close(self) -> None:
        """Close its files."""
        for file in (self.value, self.fault, *self.statistics.values()):
            if file is not None:
                file.close()


def sensors(root: Path, names: Iterable[str], whole: str | None) -> list[HwmonSensor]:
    """Return the sensors of the chips in these directories of /sys/class/hwmon.

    `whole` is the zone of the one that measures the whole node; without it, an ACPI power meter
    does that is alone. No two sensors have the same zone.
    """
    found: dict[str, HwmonSensor] = {}
    meters: list[str] = []
    for directory in sorted(names, key=lambda name: (len(name), name)):
        path = _attributes(root / directory)
        for sensor in _of_chip(root / directory, path):
            zone = sensor.zone if sensor.zone not in found else f"{sensor.zone}@{directory}"
            found[zone] = replace(sensor, zone=zone)
            if sensor.chip_name == POWER_METER:
                meters.append(zone if _measures_system(root / directory, path, sensor) else "")
    if whole is None and len(meters) == 1:
        whole = meters[0]
    return [replace(one, is_whole=one.zone == whole) for one in found.values()]


def _attributes(chip: Path) -> Path:
    """Return the directory of a chip's attributes, which older drivers have in the device's."""
    for path in (chip, chip / "device"):
        if any(_VALUE.fullmatch(name) for name in _listed(path)):
            return path
    return chip


def _of_chip(chip: Path, path: Path) -> Iterator[HwmonSensor]:
    """Go through the sensors of a chip by the numbers of their channels."""
    files = set(_listed(path))
    matches = [match for name in files if (match := _VALUE.fullmatch(name))]
    channels = sorted({(match[1], int(match[2])) for match in matches})
    labels = {f"{kind}{number}": _text(path / f"{kind}{number}_label") for kind, number in channels}
    repeated = Counter(labels.values())
    chip_name = _text(chip / "name") or _text(chip / "device/name") or chip.name
    device, known_as = _device(chip, chip_name)
    for name, label in labels.items():
        is_clear = label and repeated[label] == 1
        value = "input" if f"{name}_input" in files else "average"
        yield HwmonSensor(
            f"{device}/{label if is_clear else name}", known_as, chip_name, name, label,
            OpenFile(path / f"{name}_{value}"),
            OpenFile(path / f"{name}_fault") if f"{name}_fault" in files else None,
            {
                statistic: OpenFile(path / f"{name}_{suffix}")
                for suffix, statistic in _STATISTICS.items()
                if suffix != value and f"{name}_{suffix}" in files
            },
        )  # fmt: skip


def _device(chip: Path, chip_name: str) -> tuple[str, str]:
    """Return the name of a chip's device, and node_exporter's of the chip."""
    if not (chip / "device").exists():
        return chip_name, _clean(chip_name)
    device = Path(os.path.realpath(chip / "device"))
    return device.name, f"{_clean(device.parent.name)}_{_clean(device.name)}"


def _measures_system(chip: Path, path: Path, sensor: HwmonSensor) -> bool:
    """Return whether an ACPI power meter measures the system and no part of it."""
    device = chip / "device"
    if not os.path.realpath(device).rpartition("/")[2].startswith(_POWER_METER_ID):
        return False
    if _text(path / f"{sensor.name}_is_battery") == "1":
        return False
    if "socket" in _text(path / f"{sensor.name}_oem_info").lower():
        return False
    return all(name.startswith(_SYSTEM) for name in _listed(device / "measures"))


def _clean(name: str) -> str:
    return _UNCLEAN.sub("_", name.lower()).strip("_")


def _listed(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return ""
