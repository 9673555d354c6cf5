"""Files of /proc and /sys: numbers that stand in them, or a bad reply."""

from pathlib import Path

from rackwatt_exporter.collectors.cpu import MODES, parse_stat
from rackwatt_exporter.collectors.memory import parse_meminfo
from rackwatt_exporter.collectors.netdev import parse_net_dev
from rackwatt_exporter.collectors.open_file import number
from rackwatt_exporter.collectors.rapl import zones
from rackwatt_exporter.reading import ReadError, Reason


def examine(data: bytes) -> None:
    """Read it as each of the files there are."""
    _hold_ticks(data)
    try:
        found = number(data, Path("energy_uj"), "microjoules")
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert int(data) == found >= 0
    _hold_memory(data)
    _hold_interfaces(data)
    _hold_zones(data.decode("utf-8", "replace").split("\n"))


def _hold_ticks(data: bytes) -> None:
    try:
        ticks, cpus = parse_stat(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    words = data.split(b"\n")[0].split()[1:]
    assert len(ticks) >= len(MODES)
    assert all(int(word) == tick for word, tick in zip(words, ticks, strict=False))
    assert 0 <= cpus <= data.count(b"\ncpu")


def _hold_memory(data: bytes) -> None:
    try:
        sizes, counts = parse_meminfo(data)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    assert all(b"%s:" % name.encode() in data for name in (*sizes, *counts))
    assert all(size % 1024 == 0 for size in sizes.values())


def _hold_interfaces(data: bytes) -> None:
    try:
        found = list(parse_net_dev(data))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    for _, numbers in found:
        assert all(b"%d" % number in data for number in numbers if number)


def _hold_zones(lines: list[str]) -> None:
    """Use lines in pairs as a zone's directory and its name."""
    names = dict(zip(lines[::2], lines[1::2], strict=False))
    found = zones(names, names)
    assert len({zone.name for zone in found}) == len(found) <= len(names)
    assert {zone.directory for zone in found} <= set(names)
