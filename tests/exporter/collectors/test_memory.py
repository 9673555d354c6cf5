"""Memory: the oracles are values worked out by hand, and awk over the real /proc/meminfo."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.memory import (
    BY_NAME,
    MemoryCollector,
    MemoryResult,
    parse_meminfo,
)
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError, Reason

# Some lines of a kernel 6.18, as it has them, and one of Documentation/filesystems/proc.rst.
MEMINFO = b"""MemTotal:       24684096 kB
MemFree:        12907228 kB
MemAvailable:   23544056 kB
Buffers:          193720 kB
Cached:          8656624 kB
Active(anon):      56616 kB
SwapTotal:       2097148 kB
SwapFree:              0 kB
AnonPages:        227224 kB
Committed_AS:    3403236 kB
VmallocTotal:   34359738367 kB
HugePages_Total:       7
Hugepagesize:       2048 kB
DirectMap1G:    25165824 kB
"""


async def read(procfs: Path) -> MemoryResult:
    collector = MemoryCollector(HostPaths("n1", procfs=procfs))
    try:
        return await collector.read()
    finally:
        await collector.close()


def served(found: MemoryResult) -> dict[str, float]:
    return {
        one.family.name.removeprefix("rackwatt_node_memory_"): one.value for one in found.samples
    }


async def test_memory_is_read_in_bytes_by_what_it_is_used_for(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_bytes(MEMINFO)
    assert served(await read(tmp_path)) == {
        "total_bytes": 25276514304,
        "free_bytes": 13217001472,
        "available_bytes": 24109113344,
        "buffers_bytes": 198369280,
        "cached_bytes": 8864382976,
        "anonymous_bytes": 232677376,
        "swap_total_bytes": 2147479552,
        "swap_free_bytes": 0,
    }


async def test_every_line_of_meminfo_is_in_the_result_and_counts_are_apart(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_bytes(MEMINFO)
    found = await read(tmp_path)
    assert len(found.sizes) + len(found.counts) == MEMINFO.count(b"\n")
    assert found.sizes["Active(anon)"] == 56616 * 1024
    assert found.counts == {"HugePages_Total": 7}


async def test_memory_that_a_kernel_does_not_report_has_no_sample(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_bytes(b"MemTotal:  8 kB\nMemFree: 0 kB\n")  # before Linux 3.14
    assert served(await read(tmp_path)) == {"total_bytes": 8192, "free_bytes": 0}


async def test_memory_of_this_machine_is_read_as_awk_reads_it() -> None:
    script = '{ sub(":", "", $1); print $1, $2 * (NF == 3 ? 1024 : 1) }'
    output = subprocess.check_output(["awk", "-v", "OFMT=%.0f", script, "/proc/meminfo"], text=True)
    awk = {name: int(number) for name, number in map(str.split, output.splitlines())}
    found = await read(Path("/proc"))
    assert found.sizes.keys() | found.counts.keys() == awk.keys()
    for name in ("MemTotal", "SwapTotal", "Hugepagesize"):
        assert found.sizes[name] == awk[name]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "no MemTotal"),
        (b"MemFree: 1 kB\n", "no MemTotal"),
        (b"MemTotal: -1 kB\n", "MemTotal: -1 kB"),
        (b"MemTotal: 1 MB\n", "MemTotal: 1 MB"),
        (b"MemTotal: 8 kB\nMemFr", "MemFr"),
        (b"MemTotal: %d kB\n" % 10**30, "not a size in kB"),
    ],
)
async def test_memory_is_a_bad_reply_if_the_file_has_another_format(
    tmp_path: Path, text: bytes, words: str
) -> None:
    (tmp_path / "meminfo").write_bytes(text)
    with pytest.raises(ReadError, match=words) as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.BAD_REPLY


async def test_memory_is_absent_where_proc_has_no_meminfo(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"--path\.procfs") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.ABSENT


@given(st.binary(max_size=200) | st.from_regex(r"(MemTotal: [0-9]{1,3} kB\n)?[A-Z]: .*", fullmatch=True).map(str.encode))  # fmt: skip
def test_memory_of_garbage_is_a_bad_reply_or_no_less_than_its_lines(text: bytes) -> None:
    try:
        sizes, counts = parse_meminfo(text)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert "MemTotal" in sizes
        assert len(sizes) + len(counts) <= len(text.splitlines())


def test_memory_families_are_plain_gauges_in_bytes() -> None:
    assert {(one.kind, one.unit, one.labels) for one in BY_NAME.values()} == {
        ("gauge", "bytes", ("node",))
    }
