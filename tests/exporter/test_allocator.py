"""Large blocks of memory are mapped by themselves, whatever was freed before."""

import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_exporter import exporter
from rackwatt_exporter.config.secrets import Secrets

# Counts the blocks that malloc has mapped by themselves (mallinfo2(3), hblks), one more for a block
# of 1 MiB or not, after one of 8 MiB was freed.
PROGRAM = """
import ctypes
from rackwatt_exporter.allocator import return_large_blocks

class Counts(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallinfo2.restype = Counts
{before}
libc.free(libc.malloc(8 * 2**20))
mapped = libc.mallinfo2().hblks
block = libc.malloc(2**20)
print(libc.mallinfo2().hblks - mapped)
"""


@pytest.mark.parametrize(("before", "mapped"), [("return_large_blocks()", 1), ("", 0)])
def test_a_large_block_is_mapped_by_itself_after_a_larger_one_was_freed(
    before: str, mapped: int
) -> None:
    command = [sys.executable, "-c", PROGRAM.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == mapped


TARGETS = "spec: {bmc: {method: fake, hosts: [n1]}}"
COLLECTORS = "spec: {node: {collectors: [cpu]}}"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    made: list[None] = []
    monkeypatch.setattr(exporter, "return_large_blocks", lambda: made.append(None))
    return made


@pytest.mark.parametrize(("spec", "count"), [(TARGETS, 1), (COLLECTORS, 0)])
async def test_an_exporter_of_a_node_alone_leaves_malloc_as_it_is(
    spec: str, count: int, tmp_path: Path, calls: list[None]
) -> None:
    head = "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: lab}\n"
    (tmp_path / "lab.yaml").write_text(f"{head}{spec}\n")
    one = exporter.Exporter([tmp_path], Secrets(tmp_path))
    await one.reload()
    await one.close()
    assert len(calls) == count
