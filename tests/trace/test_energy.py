from pathlib import Path

from rackwatt_trace.energy import NodeEnergy


def zone(sysfs: Path, name: str, kind: str, microjoules: int, span: int = 1000) -> Path:
    folder = sysfs / "class/powercap" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{kind}\n")
    (folder / "max_energy_range_uj").write_text(f"{span}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


def test_a_node_without_a_counter_has_no_energy(tmp_path: Path) -> None:
    assert NodeEnergy(5, str(tmp_path)).read() is None


def test_the_energy_of_packages_and_memory_is_added_up_since_the_start(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000, 10**7)
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 1_000_000, 10**7)
    zone(tmp_path, "intel-rapl:0:0", "core", 7, 10**7)
    zone(tmp_path, "intel-rapl:1", "psys", 7, 10**7)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000, 10**7)
    energy = NodeEnergy(5, str(tmp_path))
    assert energy.read() == 0
    package.write_text("6500000\n")
    memory.write_text("1250000\n")
    assert energy.read() == 1.75


def test_a_counter_that_wraps_goes_on(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000, 9_999_999)
    energy = NodeEnergy(5, str(tmp_path))
    package.write_text("500000\n")
    assert energy.read() == 1.5


def test_a_counter_that_may_wrap_unseen_is_not_read(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    assert NodeEnergy(60, str(tmp_path)).read() is None


def test_a_counter_that_can_no_longer_be_read_has_no_energy_at_all(tmp_path: Path) -> None:
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 1)
    energy = NodeEnergy(5, str(tmp_path))
    assert energy.read() == 0
    second.write_text("gone\n")
    assert energy.read() is None
    second.write_text("5\n")
    assert energy.read() is None


def test_a_cray_has_one_counter_of_the_whole_node(tmp_path: Path) -> None:
    counter = tmp_path / "cray/pm_counters/energy"
    counter.parent.mkdir(parents=True)
    counter.write_text("39184 J 1626451265000 us\n")
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    energy = NodeEnergy(60, str(tmp_path))
    counter.write_text("39190 J 1626451275000 us\n")
    assert energy.read() == 6
    counter.write_text("junk\n")
    assert energy.read() is None
