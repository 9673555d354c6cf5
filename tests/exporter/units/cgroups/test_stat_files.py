"""Parsers of control groups' files; the oracle is what a line was made of."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.units.cgroups import stat_files as f
from rackwatt_exporter.units.model import BlockUse, Pressure, RdmaUse

counts = st.integers(0, 2**63 - 1)
PARSERS: list[Callable[[bytes], object]] = [
    f.number,
    f.limit,
    f.numbers,
    f.cpu_v2,
    f.throttled_v1,
    f.seconds_of_ticks,
    f.seconds_of_ns,
    f.memory_v2,
    f.memory_v1,
    f.events,
    f.swap_failures,
    f.pressure,
    lambda text: f.blocks_v2(text, {}),
    f.blocks_v1,
    f.rdma,
    f.cpu_list_size,
    f.cpu_quota,
    f.is_populated,
]
WORDS = [
    b"usage_usec", b"user_usec", b"system_usec", b"nr_throttled", b"throttled_usec", b"anon", b"file", b"total_rss",
    b"total_cache", b"total_swap", b"some", b"full", b"total=", b"avg10=0.00", b"8:0", b"rbytes=1", b"wbytes=2", b"rios=3",
    b"wios=4", b"Read", b"Write", b"mlx5_0", b"hca_handle=1", b"hca_object=2", b"max", b"0-3,8", b"populated", b"-1",
    b"user", b"system", b"fail", b"oom", b"9" * 5000,
]  # fmt: skip
lines = st.lists(
    st.sampled_from(WORDS) | counts.map(lambda one: b"%d" % one) | st.binary(max_size=8), max_size=8
).map(b" ".join)


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.lists(lines, max_size=6).map(b"\n".join))
def test_any_text_is_read_or_refused(parse: Callable[[bytes], object], text: bytes) -> None:
    try:
        parse(text)
    except (ValueError, KeyError):
        return


@given(counts, counts, counts, st.none() | st.tuples(counts, counts))
def test_cpu_time_is_read_with_and_without_its_controller(
    usage: int, user: int, system: int, throttled: tuple[int, int] | None
) -> None:
    text = b"usage_usec %d\nuser_usec %d\nsystem_usec %d\n" % (usage, user, system)
    if throttled:
        text += b"nice_usec 0\nnr_periods 7\nnr_throttled %d\nthrottled_usec %d\n" % throttled
        text += b"nr_bursts 0\nburst_usec 0\n"
    waited = (throttled[0], throttled[1] / 1e6) if throttled else (None, None)
    assert f.cpu_v2(text) == (usage * 1000, user / 1e6, system / 1e6, *waited)


@given(counts, counts)
def test_memory_is_read_in_whatever_order_the_kernel_has_it(anonymous: int, file: int) -> None:
    usual = b"anon %d\nfile %d\nkernel 1\n" % (anonymous, file)
    other = b"kernel 1\nfile %d\ninactive_anon 5\nanon %d\n" % (file, anonymous)
    assert f.memory_v2(usual) == f.memory_v2(other) == (anonymous, file)


@given(counts, counts, st.none() | counts)
def test_memory_of_version_1_is_that_of_the_groups_below_as_well(
    anonymous: int, file: int, swap: int | None
) -> None:
    text = b"cache 1\nrss 2\nswap 3\ntotal_cache %d\ntotal_rss %d\ntotal_rss_huge 4\n" % (
        file,
        anonymous,
    )
    if swap is not None:
        text += b"total_swap %d\n" % swap
    assert f.memory_v1(text) == (anonymous, file, swap)


@given(counts, st.none() | counts)
def test_pressure_of_old_kernels_has_no_time_in_which_all_wait(some: int, full: int | None) -> None:
    text = b"some avg10=0.00 avg60=0.12 avg300=0.05 total=%d\n" % some
    if full is not None:
        text += b"full avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n" % full
    assert f.pressure(text) == Pressure(some / 1e6, None if full is None else full / 1e6)


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 99), counts, counts, counts, counts)))
def test_block_devices_are_read_each(devices: list[tuple[int, int, int, int, int, int]]) -> None:
    text = b"".join(
        b"%d:%d rbytes=%d wbytes=%d rios=%d wios=%d dbytes=0 dios=0\n" % one for one in devices
    )
    names = {f"{one[0]}:{one[1]}": f"d{one[0]}-{one[1]}" for one in devices}
    assert f.blocks_v2(text, names) == tuple(
        BlockUse(f"d{one[0]}-{one[1]}", *one[2:]) for one in devices
    )


def test_a_device_that_was_not_used_has_a_line_without_numbers() -> None:
    text = b"8:16 \n8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0 cost.usage=5\n"
    assert f.blocks_v2(text, {"8:0": "sda"}) == (BlockUse("sda", 1, 2, 3, 4),)


def test_a_file_that_was_cut_is_no_use_of_block_devices() -> None:
    with pytest.raises(ValueError, match="no use of a block device"):
        f.blocks_v2(b"8:0 rbytes=1 wbytes=2 ri", {"8:0": "sda"})


def test_blocks_of_version_1_are_read_by_device() -> None:
    text = b"8:0 Read 5\n8:0 Write 6\n8:0 Sync 1\n8:0 Total 11\n259:1 Read 7\n259:1 Write 0\nTotal 18\n"
    assert f.blocks_v1(text) == {"8:0": (5, 6), "259:1": (7, 0)}
    assert f.blocks_v1(b"Total 0\n") == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [(b"max\n", math.inf), (b"9223372036854771712\n", math.inf), (b"0\n", 0), (b"4096\n", 4096)],
)
def test_a_limit_that_is_not_set_is_infinite(text: bytes, found: float) -> None:
    assert f.limit(text) == found


@given(st.sets(st.integers(0, 1023), max_size=40))
def test_cpus_of_a_list_are_counted(cpus: set[int]) -> None:
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    text = ",".join(f"{low}-{high}" if low < high else f"{low}" for low, high in runs)
    assert f.cpu_list_size(text.encode() + b"\n") == len(cpus)


@pytest.mark.parametrize("text", [b"3-1", b"0-", b"a", b"0-99999999999"])
def test_what_is_no_list_of_cpus_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        f.cpu_list_size(text)


def test_quotas_are_counted_in_cpus() -> None:
    assert f.cpu_quota(b"max 100000\n") == math.inf
    assert f.cpu_quota(b"250000 100000\n") == 2.5


def test_rdma_objects_are_not_its_handles() -> None:
    text = b"mlx5_0 hca_handle=2 hca_object=62\nmlx5_1 hca_handle=0 hca_object=1\n"
    assert f.rdma(text) == (RdmaUse("mlx5_0", 2, 62), RdmaUse("mlx5_1", 0, 1))
