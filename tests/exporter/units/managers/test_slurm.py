"""Jobs of Slurm by their control groups; the oracle is what the tree was written with."""

import math
from pathlib import Path

import pytest

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.units.model import BlockUse, Pressure, RdmaUse, UnitReading
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open

GIB = 2**30
JOB = Use(
    user_us=7_123_456, system_us=250_001, anonymous=3 * GIB, file=GIB, swap=8192, limit=16 * GIB,
    swap_limit=GIB, failures=3, oom_kills=1, cpus="0-3,8", throttled_us=77_000, pressure_us=4_000_002,
    read=1 << 20, written=1 << 19, tasks=5, handles=2,
)  # fmt: skip
V2 = "system.slice/slurmstepd.scope/job_{0}"
V1 = "slurm/uid_1000/job_{0}"
BELOW = "step_batch/user/task_0"


async def only(open_: Open, tree: CgroupTree, settings: SlurmUnits | None = None) -> UnitReading:
    (unit,) = (await open_(tree, "slurm", settings).read()).units
    return unit


@pytest.mark.parametrize(("version", "place"), [(2, V2), (1, V1), (0, V1)])
async def test_a_job_has_the_numbers_of_its_control_group(
    tmp_path: Path, units_of: Open, version: int, place: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(place.format(1234), JOB, BELOW)
    unit = await only(units_of, tree)
    assert unit.key == ("slurm", "1234")
    assert (unit.cpu_ns, unit.user_s, unit.system_s) == (7_373_457_000, 7.123456, 0.250001)
    assert (unit.cpus, unit.tasks) == (5, 5)
    assert (unit.anonymous_bytes, unit.file_bytes) == (3 * GIB, GIB)
    assert (unit.memory_bytes, unit.memory_limit_bytes) == (4 * GIB + 4096, 16 * GIB)
    assert (unit.swap_bytes, unit.swap_limit_bytes) == (8192, GIB)
    assert unit.memory_failures == 3
    assert (unit.throttled_s, unit.throttled_periods) == (0.077, 77)
    assert unit.blocks == (BlockUse("sda", 1 << 20, 1 << 19, 2048, 1024),)
    assert unit.rdma == (RdmaUse("mlx5_0", 2, 62),)
    assert (unit.gpus, unit.has_ended) == ((), False)
    if version == 2:
        assert (unit.ooms, unit.oom_kills, unit.swap_failures) == (1, 1, 0)
        assert unit.cpu_pressure == Pressure(4.000002, 2.000001)
        assert unit.io_pressure == Pressure(0.0, 0.0)
    else:
        assert (unit.ooms, unit.oom_kills, unit.swap_failures) == (None, None, None)
        assert (unit.cpu_pressure, unit.memory_pressure) == (None, None)


@pytest.mark.parametrize(("version", "place"), [(2, V2), (1, V1)])
async def test_limits_that_are_not_set_are_infinite_and_no_number(
    tmp_path: Path, units_of: Open, version: int, place: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(place.format(1), Use())
    unit = await only(units_of, tree)
    assert (unit.memory_limit_bytes, unit.swap_limit_bytes) == (math.inf, math.inf)


async def test_a_job_without_a_set_of_cpus_of_its_own_holds_an_unknown_number(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(V2.format(1), Use(cpus=""))
    tree.group(V2.format(2), Use(cpus="", quota_us=250_000))
    units = (await units_of(tree, "slurm").read()).units
    assert {unit.key.unit: unit.cpus for unit in units} == {"1": None, "2": 2.5}


async def test_cpu_time_is_read_though_no_controller_is_enabled(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    (tree.root / "cgroup.controllers").write_text("")
    tree.group(V2.format(1), JOB)
    for file in (tree.root / V2.format(1)).iterdir():
        if file.is_file() and not file.name.startswith("cgroup.") and file.name != "cpu.stat":
            file.unlink()
    stat = tree.root / V2.format(1) / "cpu.stat"
    stat.write_text("usage_usec 30\nuser_usec 20\nsystem_usec 10\n")
    unit = await only(units_of, tree)
    assert (unit.cpu_ns, unit.throttled_s, unit.memory_bytes) == (30_000, None, None)


@pytest.mark.parametrize(
    ("version", "paths", "units"),
    [
        (2, ["system.slice/slurmstepd.scope/job_7"], {"7"}),
        (2, ["system.slice/n1_slurmstepd.scope/job_7"], {"7"}),
        (2, ["slurmstepd.scope/job_7"], {"7"}),
        (2, ["hpc.slice/hpc-jobs.slice/slurmstepd.scope/job_7"], {"7"}),
        (
            2,
            ["system.slice/n1_slurmstepd.scope/job_7", "system.slice/n2_slurmstepd.scope/job_7"],
            {"7", "n2/7"},
        ),
        (1, ["slurm/uid_5/job_7", "slurm/uid_6/job_8"], {"7", "8"}),
        (1, ["slurm_n1/uid_5/job_7", "slurm_n2/uid_5/job_7"], {"7", "n2/7"}),
        (2, ["system.slice/sshd.service/job_7", "user.slice/job_7", "job_7"], set()),
        (2, ["system.slice/slurmstepd.scope/system", "system.slice/slurmd.service"], set()),
    ],
)
async def test_jobs_are_found_below_every_scope_that_slurm_makes(
    tmp_path: Path, units_of: Open, version: int, paths: list[str], units: set[str]
) -> None:
    tree = CgroupTree(tmp_path, version)
    for path in paths:
        tree.group(path, Use())
    result = await units_of(tree, "slurm").read()
    assert {unit.key.unit for unit in result.units} == units
    assert result.error is None


@pytest.mark.parametrize(("version", "place"), [(2, V2), (1, V1)])
async def test_a_control_group_that_was_left_behind_empty_is_no_job(
    tmp_path: Path, units_of: Open, version: int, place: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(place.format(1), JOB, BELOW)
    tree.group(place.format(2), Use(user_us=99, tasks=0), BELOW)
    result = await units_of(tree, "slurm").read()
    assert [unit.key.unit for unit in result.units] == ["1"]
    assert (result.ended, result.error) == ((), None)


async def test_an_empty_job_of_version_1_is_seen_without_the_controller_of_processes(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path, 1)
    for job, tasks in ((1, 1), (2, 0)):
        tree.group(V1.format(job), Use(tasks=tasks), "step_batch/task_0")
        (tree.root / "pids" / V1.format(job) / "pids.current").unlink()
    units = (await units_of(tree, "slurm").read()).units
    assert [unit.key.unit for unit in units] == ["1"]


async def test_controllers_that_slurm_does_not_use_are_unknown_and_not_0(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path, 1)
    path = tree.root / "freezer/slurm/uid_5/job_7/step_0/cgroup.procs"
    path.parent.mkdir(parents=True)
    path.write_text("99\n")
    unit = await only(units_of, tree)
    assert (unit.key.unit, unit.cpu_ns, unit.cpus, unit.memory_bytes) == ("7", None, None, None)


@pytest.mark.parametrize(("version", "place"), [(2, V2), (1, V1)])
async def test_steps_are_read_where_a_document_wants_them(
    tmp_path: Path, units_of: Open, version: int, place: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(place.format(1), Use(user_us=3_000_000))
    tree.group(place.format(1) + "/step_0", Use(user_us=2_000_000, anonymous=4096))
    tree.group(place.format(1) + "/step_batch", Use(user_us=1_000_000, anonymous=8192))
    assert (await only(units_of, tree)).steps == ()
    unit = await only(units_of, tree, SlurmUnits(steps=True))
    steps = {one.step: (one.user_s, one.anonymous_bytes, one.memory_bytes) for one in unit.steps}
    assert steps == {"0": (2.0, 4096, 8192), "batch": (1.0, 8192, 12288)}


async def test_a_job_that_one_slurmd_left_behind_is_not_kept_alive_by_its_namesake(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path, 1)
    tree.group("slurm_n1/uid_5/job_7", Use(user_us=1_000_000), BELOW)
    tree.group("slurm_n2/uid_5/job_7", Use(user_us=2_000_000, tasks=0), BELOW)
    units = (await units_of(tree, "slurm").read()).units
    assert [(unit.key.unit, unit.user_s) for unit in units] == [("7", 1.0)]


@pytest.mark.parametrize(("version", "place"), [(2, V2), (1, V1)])
async def test_a_job_is_seen_without_the_processes_of_proc(
    tmp_path: Path, units_of: Open, version: int, place: str
) -> None:
    tree = CgroupTree(tmp_path, version)
    tree.group(place.format(1), JOB, BELOW, pid=0)  # as another process namespace shows them
    assert not any(one.name.isdigit() for one in tree.procfs.iterdir())
    result = await units_of(tree, "slurm").read()
    assert [(unit.key.unit, unit.tasks) for unit in result.units] == [("1", 5)]
    assert (result.ended, result.error) == ((), None)
