"""Births, deaths and failures of units between polls and at them."""

import asyncio
import os
from pathlib import Path

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units import source as module
from rackwatt_exporter.units.births import Births
from rackwatt_exporter.units.cgroups.group import LIMITS_S, ControlGroup
from rackwatt_exporter.units.model import UnitsResult
from tests.eventually import PATIENCE_S
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.exporter.units.conftest import Open

SCOPE = "system.slice/slurmstepd.scope"
JOB = f"{SCOPE}/job_{{0}}"


def ids(result: UnitsResult) -> list[str]:
    return sorted(unit.key.unit for unit in result.units)


async def test_a_unit_that_lives_between_two_polls_is_returned_once(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "YOUNG_S", (0.01, 0.02, 0.03))
    tree = CgroupTree(tmp_path)
    (tree.root / SCOPE).mkdir(parents=True)
    source = units_of(tree, "slurm")
    assert (await source.read()).units == ()
    tree.group(JOB.format(1), Use(user_us=5_000_000))
    group = source.groups  # nothing polls meanwhile: the kernel reports the birth
    async with asyncio.timeout(PATIENCE_S):
        while not any(one.reading for one in group.values()):
            await asyncio.sleep(0.005)
    tree.remove(JOB.format(1))
    result = await source.read()
    assert result.units == ()
    (ended,) = result.ended
    assert (ended.key.unit, ended.user_s, ended.has_ended) == ("1", 5.0, True)
    assert (await source.read()).ended == ()


async def test_the_end_of_the_last_process_is_the_last_reading(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use(user_us=1_000_000))
    source = units_of(tree, "slurm")
    assert ids(await source.read()) == ["1"]
    tree.group(JOB.format(1), Use(user_us=9_000_000, tasks=0))  # its control group stays
    async with asyncio.timeout(PATIENCE_S):
        while next(iter(source.groups.values())).is_unit:
            await asyncio.sleep(0.005)
    result = await source.read()
    assert [(one.user_s, one.has_ended) for one in result.ended] == [(9.0, True)]
    assert result.units == ()


async def test_a_unit_that_is_gone_at_a_poll_has_ended_and_is_not_0(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    for job in (1, 2):
        tree.group(JOB.format(job), Use(user_us=job * 1_000_000))
    source = units_of(tree, "slurm")
    assert ids(await source.read()) == ["1", "2"]
    tree.remove(JOB.format(2))
    result = await source.read()
    assert ids(result) == ["1"]
    assert [(one.key.unit, one.user_s) for one in result.ended] == [("2", 2.0)]
    assert result.error is None


async def test_an_id_that_is_used_again_is_another_unit(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use(user_us=7_000_000))
    source = units_of(tree, "slurm")
    (first,) = (await source.read()).units
    os.rename(tree.root / JOB.format(1), tree.root / "old")  # its inode stays in use
    tree.group(JOB.format(1), Use(user_us=1_000_000))
    result = await source.read()
    (second,) = result.units
    assert (first.key, second.user_s) == (second.key, 1.0)
    assert first.identity != second.identity
    assert [one.identity for one in result.ended] == [first.identity]


async def test_a_manager_that_has_made_nothing_yet_is_waited_for(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    source = units_of(tree, "slurm")
    result = await source.read()
    assert (result.units, result.error) == ((), None)
    assert "slurmstepd.scope" in result.waits_for
    tree.group(JOB.format(1), Use())
    result = await source.read()
    assert (ids(result), result.waits_for) == (["1"], "")


async def test_a_machine_without_control_groups_has_a_reason(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    (tree.root / "cgroup.controllers").unlink()
    with pytest.raises(ReadError, match=r"--path\.cgroupfs") as caught:
        await units_of(tree, "slurm").read()
    assert caught.value.reason is Reason.ABSENT


async def test_units_have_not_ended_where_control_groups_are_mounted_again(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use(user_us=1_000_000))
    source = units_of(tree, "slurm")
    (before,) = (await source.read()).units
    tree.root.rename(tree.root.with_name("unmounted"))
    tree.root.mkdir()  # an empty mount point
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert caught.value.reason is Reason.ABSENT
    tree.root.rmdir()
    tree.root.with_name("unmounted").rename(tree.root)
    result = await source.read()
    assert (ids(result), result.ended, result.error) == (["1"], (), None)
    assert result.units[0].identity == before.identity


async def test_one_unit_that_cannot_be_read_costs_itself_alone(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    for job in (1, 2, 3):
        tree.group(JOB.format(job), Use(user_us=1))
    (tree.root / JOB.format(1) / "cpu.stat").write_text("garbage\n")
    (tree.root / JOB.format(2) / "memory.stat").unlink()
    (tree.root / JOB.format(2) / "memory.stat").mkdir()
    result = await units_of(tree, "slurm").read()
    by_id = {unit.key.unit: unit for unit in result.units}
    assert (by_id["1"].cpu_ns, by_id["1"].memory_bytes) == (None, 4096)
    assert (by_id["2"].cpu_ns, by_id["2"].anonymous_bytes) == (1000, None)
    assert (by_id["3"].cpu_ns, by_id["3"].anonymous_bytes) == (1000, 0)
    assert result.error is not None
    assert "job_1: cpu.stat: " in str(result.error)
    assert "job_2/memory.stat: " in str(result.error)
    assert (result.unread, result.is_complete, result.knows_gpus) == (frozenset(), True, True)


async def test_a_unit_of_which_nothing_can_be_read_is_named_and_not_ended(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    for job in (1, 2):
        tree.group(JOB.format(job), Use(user_us=1))
    source = units_of(tree, "slurm")
    await source.read()
    (tree.root / JOB.format(2) / "cgroup.events").write_text("garbage\n")
    result = await source.read()
    assert (ids(result), result.ended, result.unread) == (["1"], (), frozenset({"2"}))
    assert result.is_complete
    tree.group(JOB.format(2), Use(user_us=1))
    result = await source.read()
    assert (ids(result), result.unread, result.error) == (["1", "2"], frozenset(), None)


async def test_names_that_cannot_be_read_leave_the_units_whole(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group("kubepods/burstable/pod1a2b", Use(user_us=1))
    result = await units_of(tree, "kubernetes").read()
    assert result.error is not None
    assert result.error.reason is Reason.ABSENT
    assert (ids(result), result.unread, result.is_complete) == (["1a2b"], frozenset(), True)


async def test_numbers_move_in_files_that_stay_open(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    source = units_of(tree, "slurm")
    found = []
    for user_us in (1_000_000, 2_500_000):
        tree.group(JOB.format(1), Use(user_us=user_us))
        found += [unit.user_s for unit in (await source.read()).units]
    assert found == [1.0, 2.5]


async def test_files_of_a_copied_tree_may_be_replaced(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use(user_us=1_000_000))
    source = units_of(tree, "slurm")
    await source.read()
    stat = tree.root / JOB.format(1) / "cpu.stat"
    fresh = stat.with_name("fresh")
    fresh.write_text(stat.read_text().replace("user_usec 1000000", "user_usec 4000000"))
    fresh.replace(stat)
    assert [unit.user_s for unit in (await source.read()).units] == [4.0]


async def test_a_device_that_is_attached_later_has_its_name(tmp_path: Path, units_of: Open) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use(read=512))
    (tree.root / JOB.format(1) / "io.stat").write_text(
        "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"
        "8:16 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=0 dios=0\n"
        "8:32 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=0 dios=0\n"
    )
    tree.diskstats("8 0 sda", "8 16 sdb")
    (unit,) = (await units_of(tree, "slurm").read()).units
    assert [use.device for use in unit.blocks] == ["sda", "sdb", "8:32"]


async def test_a_unit_that_is_made_before_the_kernel_has_the_watch_is_found(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CgroupTree(tmp_path, 1)
    tree.group("slurm/uid_1/job_1", Use())
    source = units_of(tree, "slurm")
    watch = Births.watch_directory

    def made_meanwhile(births: Births, path: str) -> bool:
        if path.endswith("uid_1"):
            tree.group("slurm/uid_1/job_2", Use())
        return watch(births, path)

    monkeypatch.setattr(Births, "watch_directory", made_meanwhile)
    assert ids(await source.read()) == ["1", "2"]


async def test_many_units_leave_the_loop_to_others_while_they_are_read(
    tmp_path: Path, units_of: Open
) -> None:
    tree = CgroupTree(tmp_path)
    for job in range(250):
        tree.group(JOB.format(job), Use())
    source = units_of(tree, "slurm")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    assert len((await source.read()).units) == 250
    task.cancel()
    assert turns >= 2


async def test_whether_a_unit_lives_is_not_read_again_while_the_kernel_would_report_its_end(
    tmp_path: Path, units_of: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CgroupTree(tmp_path)
    tree.group(JOB.format(1), Use())
    looked: list[str] = []
    ask = ControlGroup.has_processes

    def has_processes(group: ControlGroup) -> bool:
        looked.append(group.key.unit)
        return ask(group)

    monkeypatch.setattr(ControlGroup, "has_processes", has_processes)
    now_s = [0.0]
    source = units_of(tree, "slurm")
    monkeypatch.setattr(source, "_clock", lambda: now_s[0])
    for _ in range(10):  # while it is young, everything is read
        await source.read()
    looked.clear()
    await source.read()
    assert looked == []
    source._changed([None])  # events were lost
    await source.read()
    assert looked == ["1"]
    now_s[0] += LIMITS_S  # and each minute anyway
    await source.read()
    await source.read()
    assert looked == ["1", "1"]
    tree.empty(JOB.format(1))
    result = await source.read()  # the loop has had no turn to hear of it
    assert (result.units, len(result.ended)) == ((), 1)
