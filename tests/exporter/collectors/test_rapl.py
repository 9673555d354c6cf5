"""RAPL over trees as kernels lay them out. This machine has a counter of its own only on hardware."""

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.rapl import RaplCollector, Zone, max_watts, microjoules, zones
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import MAX_DOMAIN_WATTS, EnergyCounter, ReadError, Reason
from tests.exporter.collectors.powercap import EPYC, LAPTOP, TWO_DIES, XEON, Powercap

UNPRIVILEGED = 65534


def named(found: list[Zone]) -> list[tuple[str, str, bool]]:
    return [(zone.domain, zone.name, zone.additive) for zone in found]


async def read(sysfs: Path) -> tuple[EnergyCounter, ...]:
    collector = RaplCollector(HostPaths("n1", sysfs=sysfs))
    try:
        return (await collector.read()).energies
    finally:
        await collector.close()


@contextmanager
def unprivileged() -> Iterator[None]:
    """Return root an unprivileged uid; any other user already has one."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(UNPRIVILEGED)
    try:
        yield
    finally:
        os.seteuid(was)


def test_packages_and_their_memory_add_up() -> None:
    assert named(zones(XEON, XEON)) == [
        ("package", "package-0", True),
        ("dram", "package-0/dram", True),
        ("package", "package-1", True),
        ("dram", "package-1/dram", True),
    ]


def test_parts_of_a_package_and_the_platform_do_not_and_a_twin_is_left_out() -> None:
    assert named(zones(LAPTOP, LAPTOP)) == [
        ("package", "package-0", True),
        ("core", "package-0/core", False),
        ("uncore", "package-0/uncore", False),
        ("psys", "psys", False),
        ("dram", "package-0/dram", True),  # through memory-mapped I/O alone
    ]
    assert named(zones(EPYC, EPYC))[1] == ("core", "package-0/core", False)


def test_each_die_is_a_package_of_its_own() -> None:
    assert [zone.name for zone in zones(TWO_DIES, TWO_DIES) if zone.additive] == [
        "package-0-die-0", "package-0-die-0/dram", "package-0-die-1", "package-0-die-1/dram",
    ]  # fmt: skip


def test_a_dozen_packages_stand_in_their_order() -> None:
    many = {f"intel-rapl:{number}": f"package-{number}" for number in range(12)}
    many |= {f"intel-rapl:{number}:0": "dram" for number in range(12)}
    found = zones(many, many)
    assert [zone.name for zone in found if zone.domain == "package"] == [
        f"package-{number}" for number in range(12)
    ]
    assert [zone.name for zone in found if zone.domain == "dram"][10] == "package-10/dram"


def test_zones_of_one_name_on_different_hardware_have_different_names() -> None:
    two = {"intel-rapl:0": "psys", "intel-rapl:1": "psys"}
    assert [zone.name for zone in zones(two, two)] == ["psys", "psys@intel-rapl:1"]


def test_the_platform_may_draw_what_its_counter_is_made_for() -> None:
    joule_units = 2.0**32  # as servers count psys
    assert max_watts("psys", joule_units) == max_watts("psys", math.inf) == 50_000.0
    assert max_watts("package", joule_units) == MAX_DOMAIN_WATTS
    laptop = max_watts("psys", 262143.32885)
    assert MAX_DOMAIN_WATTS < laptop < 262143.32885 / 43  # no second round goes unseen


def test_a_zone_that_counts_nothing_is_none() -> None:
    assert zones({"intel-rapl": "intel-rapl", "dtpm:0": "cpu"}, []) == []


async def test_joules_and_where_they_wrap_are_read(tmp_path: Path) -> None:
    tree = Powercap(tmp_path, XEON)
    tree.show(intel_rapl_0=258218.293244, intel_rapl_1_0=0.000001)
    package, dram, other, memory = await read(tmp_path)
    assert package == EnergyCounter("package", "package-0", 258218.293244, 262143.32885, True)
    assert dram.span_joules == 65712.999613
    assert (other.joules, memory.joules) == (0.0, 1e-6)


async def test_a_counter_is_read_again_through_the_open_file(tmp_path: Path) -> None:
    tree, collector = Powercap(tmp_path, EPYC), RaplCollector(HostPaths("n1", sysfs=tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    for joules in (5.0, 7.0, 1.0):
        tree.show(intel_rapl_0=joules)
        assert (await collector.read()).energies[0].joules == joules
    assert len(os.listdir("/proc/self/fd")) == before + 2
    await collector.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_zones_that_come_and_go_are_noticed(tmp_path: Path) -> None:
    tree, collector = Powercap(tmp_path, XEON), RaplCollector(HostPaths("n1", sysfs=tmp_path))
    assert len((await collector.read()).energies) == 4
    tree.remove("intel-rapl:1:0")
    assert [one.zone for one in (await collector.read()).energies] == [
        "package-0", "package-0/dram", "package-1",
    ]  # fmt: skip
    tree.add("intel-rapl:2", "psys", joules=9.0)
    assert (await collector.read()).energies[-1].zone == "psys"
    await collector.close()


async def test_counters_that_only_root_may_read_are_permission_denied_and_never_zero() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # accessible to all users, unlike those of pytest
        tree = Powercap(Path(folder), {})
        tree.add("intel-rapl:0", "package-0", mode=0o400 if os.geteuid() == 0 else 0)
        with unprivileged(), pytest.raises(ReadError, match="uid 0") as caught:
            await read(Path(folder))
        assert caught.value.reason is Reason.PERMISSION_DENIED
        assert "intel-rapl:0/energy_uj may not be read" in str(caught.value)


@pytest.mark.parametrize("closed", ["class/powercap", "class/powercap/intel-rapl:0"])
async def test_inaccessible_folders_are_permission_denied(closed: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Powercap(Path(folder), XEON)
        os.chmod(Path(folder, closed), 0)
        with unprivileged(), pytest.raises(ReadError, match="uid 0") as caught:
            await read(Path(folder))
        os.chmod(Path(folder, closed), 0o755)
        assert caught.value.reason is Reason.PERMISSION_DENIED
        assert closed in str(caught.value)


async def test_what_can_be_read_is_and_the_rest_is_amiss(tmp_path: Path) -> None:
    tree, collector = Powercap(tmp_path, XEON), RaplCollector(HostPaths("n1", sysfs=tmp_path))
    tree.write("intel-rapl:1", "-3\n")
    findings = await collector.read()
    assert [one.zone for one in findings.energies] == [
        "package-0", "package-0/dram", "package-1/dram",
    ]  # fmt: skip
    assert findings.error is not None
    assert findings.error.reason is Reason.BAD_REPLY
    tree.show(intel_rapl_1=1.0)
    assert (await collector.read()).error is None
    await collector.close()


async def test_a_driver_without_an_answer_is_sensor_unreadable(tmp_path: Path) -> None:
    Powercap(tmp_path, {}).add("intel-rapl:0", "package-0")
    energy = tmp_path / "class/powercap/intel-rapl:0/energy_uj"
    energy.unlink()
    energy.symlink_to("/proc/self/mem")  # whose first page no process has: EIO, from the kernel
    with pytest.raises(ReadError, match="Input/output error") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.SENSOR_UNREADABLE


@pytest.mark.parametrize("made", ["nothing", "class", "control"])
async def test_a_machine_without_rapl_is_absent_with_advice(tmp_path: Path, made: str) -> None:
    if made != "nothing":
        (tmp_path / "class/powercap").mkdir(parents=True)
    if made == "control":
        (tmp_path / "class/powercap/intel-rapl").mkdir()
    with pytest.raises(ReadError, match="A virtual machine has no RAPL") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.ABSENT


async def test_this_machine_itself_has_joules_or_a_reason_why_not() -> None:
    real = Path("/sys/class/powercap")
    counting = {one.name for one in real.glob("*") if (one / "energy_uj").exists()}
    if not counting:  # most virtual machines
        with pytest.raises(ReadError) as caught:
            await read(Path("/sys"))
        assert caught.value.reason is Reason.ABSENT
        return
    if os.access(real / min(counting) / "energy_uj", os.R_OK):
        assert all(0 <= one.joules <= one.span_joules for one in await read(Path("/sys")))


@given(st.binary(max_size=40))
def test_garbage_for_a_counter_is_a_bad_reply_and_never_a_number(text: bytes) -> None:
    try:
        found = microjoules(text, Path("energy_uj"))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert str(found).encode() == text.strip().lstrip(b"0") or found == 0


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=12))
def test_whatever_zones_are_called_each_has_a_name_of_its_own(names: dict[str, str]) -> None:
    found = zones(names, names)
    assert len({zone.name for zone in found}) == len(found)
