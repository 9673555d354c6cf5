"""Units on the page of a whole exporter, over a tree of control groups that a test writes."""

import re
from pathlib import Path

from rackwatt_exporter.config.paths import HostPaths
from tests.exporter.running_exporter import RunningExporter
from tests.exporter.units.cgroup_tree import CgroupTree, Use

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 200ms, node: {collectors: [cpu], units: {slurm: {}}}}
"""
SCOPE = "system.slice/slurmstepd.scope"
PROC_STAT = "cpu 1 2 3 4 5 6 7 8\nintr 1\n"


def exporter(directory: Path, tree: CgroupTree) -> RunningExporter:
    documents = directory / "documents"
    documents.mkdir()
    (documents / "nodes.yaml").write_text(DOCUMENT)
    (tree.procfs / "stat").write_text(PROC_STAT)
    return RunningExporter(documents, host=HostPaths("n1", tree.sysfs, tree.procfs))


def samples(page: str, unit: str) -> dict[str, str]:
    """Return the samples of a unit by name and further labels."""
    pattern = re.compile(rf'(\w+)\{{node="n1",manager="slurm",unit="{unit}",?(.*)\}} (\S+)')
    return {
        f"{match[1]} {match[2]}".strip(): match[3]
        for match in map(pattern.fullmatch, page.splitlines())
        if match
    }


async def test_a_page_has_each_unit_exactly(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(
        f"{SCOPE}/job_17",
        Use(
            user_us=7_123_456, system_us=250_001, anonymous=3 << 30, file=1 << 30, limit=16 << 30,
            cpus="0-3", pressure_us=4_000_002, read=1 << 20, written=512, tasks=5, handles=2,
        ),
    )  # fmt: skip
    async with exporter(tmp_path, tree) as running:
        page = await running.until(lambda text: 'unit="17"' in text)
        status = await running.json()
    assert samples(page, "17") == {
        'rackwatt_unit_info uuid="",user="",account="",name="",namespace=""': "1",
        'rackwatt_unit_cpu_seconds_total mode="user"': "7.123456",
        'rackwatt_unit_cpu_seconds_total mode="system"': "0.250001",
        "rackwatt_unit_cpus": "4.0",
        "rackwatt_unit_cpu_throttled_seconds_total": "0.0",
        "rackwatt_unit_cpu_throttled_periods_total": "0",
        "rackwatt_unit_memory_anonymous_bytes": str(3 << 30),
        "rackwatt_unit_memory_file_bytes": str(1 << 30),
        "rackwatt_unit_memory_used_bytes": str((4 << 30) + 4096),
        "rackwatt_unit_memory_limit_bytes": str(16 << 30),
        "rackwatt_unit_memory_failures_total": "0",
        "rackwatt_unit_memory_ooms_total": "0",
        "rackwatt_unit_oom_kills_total": "0",
        "rackwatt_unit_swap_used_bytes": "0",
        "rackwatt_unit_swap_limit_bytes": "+Inf",
        "rackwatt_unit_swap_failures_total": "0",
        "rackwatt_unit_tasks": "5",
        'rackwatt_unit_pressure_waiting_seconds_total resource="cpu"': "4.000002",
        'rackwatt_unit_pressure_waiting_seconds_total resource="memory"': "0.0",
        'rackwatt_unit_pressure_waiting_seconds_total resource="io"': "0.0",
        'rackwatt_unit_pressure_stalled_seconds_total resource="cpu"': "2.000001",
        'rackwatt_unit_pressure_stalled_seconds_total resource="memory"': "0.0",
        'rackwatt_unit_pressure_stalled_seconds_total resource="io"': "0.0",
        'rackwatt_unit_block_read_bytes_total device="sda"': str(1 << 20),
        'rackwatt_unit_block_written_bytes_total device="sda"': "512",
        'rackwatt_unit_block_reads_total device="sda"': "2048",
        'rackwatt_unit_block_writes_total device="sda"': "1",
        'rackwatt_unit_rdma_handles device="mlx5_0"': "2",
        'rackwatt_unit_rdma_objects device="mlx5_0"': "62",
    }
    assert 'rackwatt_units{node="n1",manager="slurm"} 1\n' in page
    assert 'rackwatt_unit_manager_up{node="n1",manager="slurm"} 1\n' in page
    (manager,) = status["units"]
    assert (manager["manager"], manager["units"], manager["up"]) == ("slurm", 1, True)


async def test_a_unit_that_has_ended_is_on_a_page_once_more_and_then_gone(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(f"{SCOPE}/job_17", Use(user_us=1_000_000))
    async with exporter(tmp_path, tree) as running:
        await running.until(lambda text: 'unit="17"' in text)
        tree.group(f"{SCOPE}/job_17", Use(user_us=9_000_000, tasks=0))
        page = await running.until(lambda text: 'manager="slurm"} 0\n' in text)
        assert samples(page, "17")['rackwatt_unit_cpu_seconds_total mode="user"'] == "9.0"
        await running.until(lambda text: 'unit="17"' not in text)


async def test_a_page_has_the_user_of_a_job_and_check_says_of_which_it_is_unknown(
    tmp_path: Path,
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(f"{SCOPE}/job_17", Use())
    files = tmp_path / "run/slurmjobprops"
    files.mkdir(parents=True)
    (files / "17").write_text("alice physics n[1-2]\n")
    exporter(tmp_path, tree)
    directory = "slurm: {propertiesDirectory: /run/slurmjobprops}"
    document = tmp_path / "documents/nodes.yaml"
    document.write_text(DOCUMENT.replace("slurm: {}", directory))
    host = HostPaths("n1", tree.sysfs, tree.procfs, rootfs=tmp_path)
    running = RunningExporter(tmp_path / "documents", host=host)
    async with running:
        page = await running.until(lambda text: 'user="alice",account="physics"' in text)
        assert re.search(r'unit="17",uuid="[0-9a-f-]{36}",user="alice"', page)
        units = running.exporter.registry.units
        (record,) = units.store.records.values()
        assert record.value is not None
        assert units.note(record.value) is None
        tree.group(f"{SCOPE}/job_18", Use(), pid=4243)
        await running.until(lambda text: 'unit="18"' in text)
        assert record.value is not None
        assert "has no file 18 (propertiesDirectory)" in str(units.note(record.value))
