from pathlib import Path

import pytest

from rackwatt_exporter.units.processes import ProcessGroup
from rackwatt_exporter.units.profiling import is_helper, profiling_targets
from tests.exporter.units.cgroup_tree import CgroupTree, Use

JOB = "system.slice/slurmstepd.scope/job_7"


def process(tree: CgroupTree, pid: int, command: bytes, variables: bytes = b"") -> None:
    tree.group(JOB, Use(), f"step_{pid}/user/task_0", pid)
    folder = tree.procfs / str(pid)
    folder.mkdir(exist_ok=True)
    (folder / "cmdline").write_bytes(command)
    (folder / "environ").write_bytes(variables)


def listed(tree: CgroupTree, *names: str) -> list[dict[str, object]]:
    unit = ProcessGroup("7", f"{tree.root}/{JOB}")
    return profiling_targets([unit], tree.procfs, names).targets


def test_each_process_of_a_unit_is_one_target_of_its_own(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    process(tree, 11, b"python\0train.py\0")
    process(tree, 12, b"python\0train.py\0")
    assert sorted(map(str, listed(tree))) == sorted(
        str({"targets": ["7"], "labels": {"__process_pid__": pid, "service_name": "7"}})
        for pid in ("11", "12")
    )


def test_the_unit_of_another_slurmd_has_an_address_without_a_slash(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    process(tree, 11, b"a.out\0")
    unit = ProcessGroup("n2/7", f"{tree.root}/{JOB}")
    (target,) = profiling_targets([unit], tree.procfs, ()).targets
    labels = {"__process_pid__": "11", "service_name": "n2/7"}
    assert target == {"targets": ["7"], "labels": labels}


def test_only_processes_that_have_a_variable_of_the_exact_name_are_listed(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    process(tree, 11, b"a.out\0", b"PROFILE=\0")
    process(tree, 12, b"a.out\0", b"NO_PROFILE=1\0PROFILE_2=1\0PROFILE\0")
    process(tree, 13, b"a.out\0", b"OTHER=PROFILE=1\0")
    (target,) = listed(tree, "PROFILE", "ANOTHER")
    assert target["labels"] == {"__process_pid__": "11", "service_name": "7"}


def test_a_process_that_has_ended_or_may_not_be_read_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CgroupTree(tmp_path)
    process(tree, 11, b"a.out\0", b"PROFILE=1\0")
    process(tree, 12, b"a.out\0", b"PROFILE=1\0")
    process(tree, 13, b"")
    (tree.procfs / "12/cmdline").unlink()
    assert len(listed(tree, "PROFILE")) == 1

    def refuse(process: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(process))

    monkeypatch.setattr("rackwatt_exporter.units.profiling.environ", refuse)
    unit = ProcessGroup("7", f"{tree.root}/{JOB}")
    found = profiling_targets([unit], tree.procfs, {"PROFILE"})
    assert (found.targets, found.denied) == ([], 1)


@pytest.mark.parametrize(
    ("command", "is_one"),
    [
        (b"slurmstepd: [7.batch]\0", True),
        (b"sleep\x00100000000\0", True),
        (b"/usr/bin/sleep\x0060\0", True),
        (b"/bin/bash\0/var/spool/slurmd/job00007/slurm_script\0", True),
        (b"/bin/bash\0/var/spool/slurmd/job00007/slurm_script\0argument\0", True),
        (b"sleep\0infinity_of_mine\0", False),
        (b"sleepy\x0060\0", False),
        (b"/bin/bash\0/home/alice/slurm_script.sh\0", False),
        (b"python\0slurm_script\0", False),
        (b"my-slurmstepd: x\0", False),
        (b"a.out", False),
    ],
)
def test_what_slurm_runs_beside_a_job_is_known_by_its_command_line(
    command: bytes, is_one: bool
) -> None:
    assert is_helper(command) is is_one
