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

from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.collectors.rapl import RaplCollector, Zone, max_watts, zones
from rackwatt_exporter.collectors.registry import COLLECTORS
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.polling.schedule import PollSchedule, next_poll_at_s
from rackwatt_exporter.reading import MAX_DOMAIN_WATTS, EnergyCounter, ReadError, Reason
from tests.exporter.collectors.powercap import (
    DRAM_SPAN_UJ,
    EPYC,
    LAPTOP,
    PACKAGE_SPAN_UJ,
    TWO_DIES,
    XEON,
    Powercap,
)

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
    assert findings.lacking == frozenset({"package"})
    tree.show(intel_rapl_1=1.0)
    assert (await collector.read()).error is None
    await collector.close()


async def test_rapl_names_the_zones_that_cannot_be_read_and_which_sum_they_are_a_part_of(
    tmp_path: Path,
) -> None:
    tree = Powercap(tmp_path, LAPTOP)
    tree.remove("intel-rapl-mmio:0:0")
    collector = RaplCollector(HostPaths("n1", sysfs=tmp_path))
    for zone in ("intel-rapl:0:0", "intel-rapl:1"):
        tree.write(zone, "garbage\n")
    findings = await collector.read()
    assert [one.zone for one in findings.energies] == ["package-0", "package-0/uncore"]
    assert findings.lacking == frozenset()  # core is in its package, and psys is no part of it
    assert "intel-rapl:0:0/energy_uj" in str(findings.error)
    assert "and 1 more of the zones" in str(findings.error)
    await collector.close()


async def test_a_folder_of_a_zone_that_may_not_be_looked_into_costs_itself_alone() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        tree = Powercap(Path(folder), {"intel-rapl:0": "package-0"})
        tree.add("intel-rapl:1", "package-1", mode=0o444)
        os.chmod(Path(folder, "class/powercap/intel-rapl:0"), 0)
        with unprivileged():
            collector = RaplCollector(HostPaths("n1", sysfs=Path(folder)))
            findings = await collector.read()
            await collector.close()
        os.chmod(Path(folder, "class/powercap/intel-rapl:0"), 0o755)
        assert [one.zone for one in findings.energies] == ["package-1"]
        assert findings.error is not None
        assert findings.error.reason is Reason.PERMISSION_DENIED
        assert findings.lacking == frozenset({"package", "dram"})  # it has not even a name


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


LIMITS = {"long_term": 225.0, "short_term": 270.0}


async def limits(sysfs: Path) -> dict[tuple[str, ...], float]:
    collector = RaplCollector(HostPaths("n1", sysfs=sysfs))
    found = await collector.read()
    await collector.close()
    assert found.error is None
    assert {sample.family for sample in found.samples} <= {POWER_LIMIT}
    return {sample.labels: sample.value for sample in found.samples}


async def test_rapl_has_the_limits_of_each_zone_by_constraint(tmp_path: Path) -> None:
    tree = Powercap(tmp_path, XEON)
    tree.limit("intel-rapl:0", **LIMITS)
    tree.limit("intel-rapl:1", **LIMITS, peak_power=500.5)
    tree.limit("intel-rapl:1:0", long_term=0.0)  # none
    assert await limits(tmp_path) == {
        ("rapl", "package", "package-0", "long_term"): 225.0,
        ("rapl", "package", "package-0", "short_term"): 270.0,
        ("rapl", "package", "package-1", "long_term"): 225.0,
        ("rapl", "package", "package-1", "short_term"): 270.0,
        ("rapl", "package", "package-1", "peak_power"): 500.5,
    }


async def test_rapl_has_no_limits_on_amd_and_of_zones_that_enforce_none(tmp_path: Path) -> None:
    tree = Powercap(tmp_path / "amd", EPYC)
    assert await limits(tmp_path / "amd") == {}
    tree = Powercap(tmp_path / "intel", {"intel-rapl:0": "package-0"})
    tree.limit("intel-rapl:0", **LIMITS)
    (tmp_path / "intel/class/powercap/intel-rapl:0/enabled").write_text("0\n")
    assert await limits(tmp_path / "intel") == {}


async def test_rapl_follows_a_limit_that_changes_and_closes_its_files(tmp_path: Path) -> None:
    tree, collector = Powercap(tmp_path, EPYC), RaplCollector(HostPaths("n1", sysfs=tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    tree.limit("intel-rapl:0", **LIMITS)
    await collector.read()
    tree.limit("intel-rapl:0", long_term=100.0, short_term=120.0)
    assert [sample.value for sample in (await collector.read()).samples] == [100.0, 120.0]
    await collector.close()
    assert len(os.listdir("/proc/self/fd")) == before


async def test_rapl_serves_joules_beside_a_limit_that_cannot_be_read(tmp_path: Path) -> None:
    tree, collector = Powercap(tmp_path, EPYC), RaplCollector(HostPaths("n1", sysfs=tmp_path))
    tree.limit("intel-rapl:0", **LIMITS)
    (tmp_path / "class/powercap/intel-rapl:0/constraint_0_power_limit_uw").write_text("lots\n")
    found = await collector.read()
    assert [one.zone for one in found.energies] == ["package-0", "package-0/core"]
    assert found.error is not None
    assert "constraint_0_power_limit_uw holds b'lots', not microwatts" in str(found.error)
    await collector.close()


async def test_rapl_of_twelve_packages_has_the_memory_of_each_and_no_twin(tmp_path: Path) -> None:
    names = {f"intel-rapl:{number}": f"package-{number}" for number in range(12)}
    names |= {f"intel-rapl:{number}:0": "dram" for number in range(12)}
    names |= {"intel-rapl-mmio:0": "package-0"}
    tree = Powercap(tmp_path, names)
    packages = {f"intel_rapl_{number}": 100.0 + number for number in range(12)}
    memory = {f"intel_rapl_{number}_0": 10.0 + number for number in range(12)}
    tree.show(**packages, **memory, intel_rapl_mmio_0=100.0)
    joules = {energy.zone: energy.joules for energy in await read(tmp_path) if energy.additive}
    assert len(joules) == 24
    for number in range(12):
        assert joules[f"package-{number}"] == 100.0 + number
        assert joules[f"package-{number}/dram"] == 10.0 + number


async def test_rapl_of_two_dies_keeps_one_domain_for_both(tmp_path: Path) -> None:
    Powercap(tmp_path, TWO_DIES)
    assert [one.domain for one in await read(tmp_path)] == ["package", "dram"] * 2


def test_rapl_is_read_before_the_smallest_counter_can_wrap() -> None:
    interval_s = COLLECTORS["rapl"].max_interval_s
    schedule = PollSchedule(interval_s, timeout_s=10.0, max_backoff_s=60.0)
    keys = [f"rapl{number}" for number in range(1000)]  # each with its own offset and jitter
    longest_s = max(next_poll_at_s(key, schedule, 100.0, 100.0, failures=0) - 100.0 for key in keys)
    assert interval_s < longest_s
    assert MAX_DOMAIN_WATTS * longest_s < DRAM_SPAN_UJ / 1e6 < PACKAGE_SPAN_UJ / 1e6


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=12))
def test_whatever_zones_are_called_each_has_a_name_of_its_own(names: dict[str, str]) -> None:
    found = zones(names, names)
    assert len({zone.name for zone in found}) == len(found)
