"""What a tree of processes uses: of made-up trees worked out by hand, and of real ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_trace.processes import ProcessTree
from tests.eventually import until

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Proc:
    """A made-up /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(
        self, pid: int, parent: int = 1, ticks: int = 0, waited: int = 0, children: str = "",
        started: int = 5, name: str = "sh", io: tuple[int, int] | None = (0, 0),
    ) -> None:  # fmt: skip
        """Write a process of 2 threads and 3 pages."""
        folder = self.root / str(pid)
        (folder / f"task/{pid}").mkdir(parents=True, exist_ok=True)
        head = f"{pid} ({name}) S {parent} " + "0 " * 9
        numbers = f"{ticks} 0 {waited} 0 20 0 2 0 {started} 4096 3 0\n"
        (folder / "stat").write_text(head + numbers)
        (folder / f"task/{pid}/children").write_text(children)
        if io is not None:
            text = (
                f"rchar: 9\nread_bytes: {io[0]}\nwrite_bytes: {io[1]}\ncancelled_write_bytes: 0\n"
            )
            (folder / "io").write_text(text)

    def end(self, pid: int) -> None:
        """Remove a process."""
        (self.root / f"{pid}/stat").unlink()

    def tree(self, pid: int) -> ProcessTree:
        return ProcessTree(pid, str(self.root))


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def cpu_ticks(tree: ProcessTree) -> int:
    usage = tree.sample()
    assert usage
    return round(usage.cpu_s / TICK_S)


def test_a_tree_is_a_process_and_all_of_its_descendants(proc: Proc) -> None:
    proc.write(100)
    tree = proc.tree(100)
    proc.write(100, ticks=3, children="101 102", io=(1, 2))
    proc.write(101, 100, ticks=4, children="103 ", name="a) b (c", io=(10, 20))
    proc.write(102, 100, ticks=5)
    proc.write(103, 101, ticks=6, io=(100, 200))
    proc.write(104, 1, ticks=1000)
    usage = tree.sample()
    assert usage
    assert (usage.processes, usage.threads, usage.resident_bytes) == (4, 8, 12 * PAGE)
    assert usage.cpu_s == pytest.approx(18 * TICK_S)
    assert (usage.read_bytes, usage.written_bytes) == (111, 222)
    assert usage.pids == {100, 101, 102, 103}


def test_a_kernel_that_lists_no_children_has_the_same_tree(proc: Proc) -> None:
    proc.write(100)
    proc.write(101, 100, ticks=4, name="a) b (c")
    proc.write(102, 101, ticks=5)
    proc.write(103, 1, ticks=1000)
    for file in proc.root.glob("*/task/*/children"):
        file.unlink()
    (proc.root / "self").mkdir()
    usage = proc.tree(100).sample()
    assert usage
    assert usage.pids == {100, 101, 102}
    assert usage.cpu_s == pytest.approx(9 * TICK_S)


def test_what_the_process_used_before_does_not_count(proc: Proc) -> None:
    proc.write(100, ticks=50, io=(1000, 2000))
    tree = proc.tree(100)
    assert cpu_ticks(tree) == 0
    proc.write(100, ticks=53, io=(1001, 2002))
    usage = tree.sample()
    assert usage
    assert (round(usage.cpu_s / TICK_S), usage.read_bytes, usage.written_bytes) == (3, 1, 2)


def test_an_ended_child_counts_once_whether_its_parent_waited_for_it_or_not(proc: Proc) -> None:
    proc.write(100, children="101")
    proc.write(101, 100)
    tree = proc.tree(100)
    proc.write(101, 100, ticks=7)
    assert cpu_ticks(tree) == 7
    proc.end(101)
    proc.write(100, waited=9)
    assert cpu_ticks(tree) == 9


def test_an_orphan_counts_beside_the_tree_and_after_its_end(proc: Proc) -> None:
    proc.write(100, children="101")
    proc.write(101, 100, children="102")
    proc.write(102, 101, ticks=4)
    tree = proc.tree(100)
    assert cpu_ticks(tree) == 4
    proc.end(101)
    proc.write(100, waited=1)
    proc.write(102, 1, ticks=6)
    assert cpu_ticks(tree) == 7
    proc.end(102)
    assert cpu_ticks(tree) == 7


def test_another_process_with_the_id_of_an_ended_one_is_not_of_the_tree(proc: Proc) -> None:
    proc.write(100, children="101")
    proc.write(101, 100, ticks=4, started=5)
    tree = proc.tree(100)
    assert cpu_ticks(tree) == 4
    proc.write(100, waited=4)
    proc.write(101, 1, ticks=5000, started=900)
    assert cpu_ticks(tree) == 4


def test_a_process_whose_bytes_cannot_be_read_leaves_them_unknown(proc: Proc) -> None:
    proc.write(100, children="101", io=(1, 1))
    tree = proc.tree(100)
    proc.write(101, 100, io=None)
    usage = tree.sample()
    assert usage
    assert (usage.read_bytes, usage.written_bytes, usage.processes) == (None, None, 2)


def test_a_tree_whose_process_has_ended_has_no_usage(proc: Proc) -> None:
    proc.write(100, started=5)
    tree = proc.tree(100)
    assert tree.is_alive()
    proc.write(100, started=6)
    assert not tree.is_alive()
    assert tree.sample() is None
    assert proc.tree(77).sample() is None


@given(st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=8))
def test_totals_never_fall_whatever_happens_to_the_children(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[int]]
) -> None:
    proc = Proc(tmp_path_factory.mktemp("proc"))
    proc.write(100)
    tree = proc.tree(100)
    last = 0
    for first, second, fate in steps:
        proc.write(100, waited=fate, children="101 102" if fate < 5 else "101")
        proc.write(101, 100 if fate % 2 else 1, ticks=first)
        proc.write(102, 101, ticks=second)
        if fate == 4:
            proc.end(101)
        now = cpu_ticks(tree)
        assert now >= last
        last = now


BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"""
import subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(2)]
subprocess.run([sys.executable, "-c", {BUSY!r}])
print("ready", flush=True)
input()
for child in children:
    child.communicate(b"\\n")
"""


@contextmanager
def parent() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process


def test_a_real_tree_has_the_processor_time_that_the_kernel_accounts_for_it() -> None:
    with parent() as process:
        assert process.stdin
        assert process.stdout
        tree = ProcessTree(process.pid)
        before_s = tree._before.ticks * TICK_S
        assert process.stdout.readline() == "ready\n"
        usage = tree.sample()
        assert usage
        assert (usage.processes, usage.threads) == (3, 3)
        assert usage.resident_bytes > 10**6
        process.stdin.write("\n")
        process.stdin.flush()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        kernel_s = used.ru_utime + used.ru_stime
        assert 0.25 <= usage.cpu_s <= kernel_s - before_s + 8 * TICK_S
    assert until(lambda: tree.sample() is None)
