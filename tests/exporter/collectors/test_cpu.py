"""The processors' seconds; the oracles are hand-made sums, and awk over the real /proc/stat."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.cpu import (
    CPUS,
    GUEST_MODES,
    GUEST_SECONDS,
    MODES,
    SECONDS,
    SLACK_S,
    CpuCollector,
    MonotonicCounter,
    parse_stat,
)
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.reading import ReadError, Reason

# A machine of two processors, as its kernel showed it (6.18); cpu0 and cpu1 add up to the first.
STAT = b"""cpu  598654 14202 134565 1679415 4631 0 8363 951 33 44
cpu0 269301 6238 60731 878346 886 0 3713 462 0 0
cpu1 329352 7963 73834 801069 3744 0 4649 489 33 44
intr 9862163 0 0 0 0
ctxt 23791674
btime 1700000000
"""
AWK = '$1 == "cpu" { for (i = 2; i <= 9; i++) print $i / HZ } /^cpu[0-9]/ { n++ } END { print n }'


def seconds(findings: CollectorResult, family: MetricFamily) -> dict[str, float]:
    return {one.labels[0]: one.value for one in findings.samples if one.family is family}


async def read(procfs: Path) -> CollectorResult:
    collector = CpuCollector(HostPaths("n1", procfs=procfs))
    try:
        return await collector.read()
    finally:
        await collector.close()


async def test_each_mode_has_its_seconds_and_guests_stand_beside(tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(STAT)
    found = await read(tmp_path)
    assert seconds(found, SECONDS) == {
        "user": 5986.54,
        "nice": 142.02,
        "system": 1345.65,
        "idle": 16794.15,
        "iowait": 46.31,
        "irq": 0.0,
        "softirq": 83.63,
        "steal": 9.51,
    }
    assert seconds(found, GUEST_SECONDS) == {"user": 0.33, "nice": 0.44}
    (cpus,) = (one.value for one in found.samples if one.family is CPUS)
    assert cpus == 2


def awk() -> list[float]:
    hz = subprocess.check_output(["getconf", "CLK_TCK"], text=True).strip()
    output = subprocess.check_output(
        ["awk", "-v", f"HZ={hz}", "-v", "OFMT=%.2f", AWK, "/proc/stat"], text=True
    )
    return [float(word) for word in output.split()]


async def test_this_machine_is_read_as_awk_reads_it() -> None:
    before = awk()
    found = await read(Path("/proc"))
    after = awk()
    ours = seconds(found, SECONDS)
    for mode, least, most in zip(MODES, before, after, strict=False):
        slack = 1.0 if mode in ("iowait", "idle") else 1e-6
        assert least - slack <= ours[mode] <= most + slack, mode
    assert found.samples[0].value == before[-1] == os.sysconf("SC_NPROCESSORS_ONLN")


async def test_a_thousand_processors_are_counted(tmp_path: Path) -> None:
    lines = b"".join(b"cpu%d %s\n" % (n, b" ".join([b"123456789"] * 10)) for n in range(1024))
    (tmp_path / "stat").write_bytes(STAT.split(b"\n")[0] + b"\n" + lines + b"intr 0\n")
    assert (await read(tmp_path)).samples[0].value == 1024


async def test_kernels_before_guests_have_eight_columns(tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(b"cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8\nintr 1\n")
    found = await read(tmp_path)
    assert set(seconds(found, SECONDS)) == set(MODES)
    assert seconds(found, GUEST_SECONDS) == {}


async def test_a_small_decrease_is_held_and_a_large_one_is_not(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    collector = CpuCollector(HostPaths("n1", procfs=tmp_path))
    served = []
    for iowait in (4631, 4620, 4635, 1000, 1100):
        stat.write_bytes(STAT.replace(b" 4631 ", b" %d " % iowait))
        served.append(seconds(await collector.read(), SECONDS)["iowait"])
    await collector.close()
    assert served == pytest.approx([46.31, 46.31, 46.35, 46.35, 47.35])


async def test_no_proc_is_absent(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"--path\.procfs") as caught:
        await read(tmp_path)
    assert caught.value.reason is Reason.ABSENT


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"intr 5\n",
        b"cpu 1 2 3\n",
        b"cpu0 1 2 3 4 5 6 7 8 9 10\n",
        b"cpu  1 2 3 4 5 6 7 -8 9 10\n",
        b"cpu  1 2 3 4 5 6 7 8.5 9 10\n",
        b"cpu  1 2 3 4 5 6 7 \xd9\xa3 9 10\n",
        b"cpu  1 2 3 4 5 6 7 " + b"9" * 5000 + b" 9 10\n",
    ],
)
def test_what_is_not_ticks_is_a_bad_reply(text: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        parse_stat(text)
    assert caught.value.reason is Reason.BAD_REPLY


lines = st.lists(
    st.sampled_from([b"cpu", b"cpu0", b"intr", b"x"])
    | st.integers(-5, 2**70).map(lambda number: b"%d" % number)
    | st.binary(max_size=12),
    max_size=14,
).map(b" ".join)


@given(st.lists(lines, max_size=4).map(b"\n".join))
def test_any_text_is_ticks_or_a_bad_reply(text: bytes) -> None:
    try:
        ticks, cpus = parse_stat(text)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        return
    assert len(MODES) <= len(ticks) <= len(MODES) + len(GUEST_MODES)
    assert [b"%d" % tick for tick in ticks[:4]] == [
        word.lstrip(b"0") or b"0" for word in text.split(b"\n")[0].split()[1:5]
    ]
    assert 0 <= cpus <= text.count(b"\n")


@given(st.lists(st.floats(0, 1e9)))
def test_a_ratchet_never_falls_and_is_never_far_off(seen: list[float]) -> None:
    ratchet, shown, grown, last = MonotonicCounter(), 0.0, 0.0, 0.0
    for value in seen:
        grown += max(0.0, value - last)
        last = value
        now = ratchet.update(value)
        assert now >= shown
        assert now <= grown + 1e-3
        shown = now
    if seen == sorted(seen):
        assert shown == (seen[-1] if seen else 0.0)
    if seen:
        assert shown >= max(seen) - SLACK_S
