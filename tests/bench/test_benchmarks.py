"""Each benchmark runs, with tiny numbers, against the same real peers: figures come, no verdicts."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.__main__ import Part, page, parts, run

ROOT = Path(__file__).parents[2]
DEADLINE_S = 300
QUICK = ("--interval=0.4",)
TINY = {
    "bench_ipmi": ("--bmcs=2", "--sweeps=2"),
    "bench_snmp": ("--agents=3", "--sweeps=2"),
    "bench_redfish": ("--bmcs=3", "--sweeps=2"),
    "bench_reading": ("--targets=50", "--intervals=3", "--scrapes=2", *QUICK),
    "bench_load": ("mixed", "--bmcs=50", "--seconds=2", *QUICK),
    "bench_page": ("--series", "140", "280", "--scrapes=4", *QUICK),
    "bench_prometheus": ("--targets=6", "--pages=4", *QUICK),
    "bench_ledger": ("--targets=50", "--short-lived=100", "--saves=3"),
    "bench_scheduler": ("--nodes=50", "--tasks=500", "--polls=2", "--interval=1"),
    "bench_lustre": ("--jobs", "20", "40", "--tasks=500", "--polls=2", "--interval=1"),
    "bench_memory": ("--bmcs=12", "--seconds=2", "--sweeps=1"),
    "bench_node": ("--readings=20", "--scrapes=20"),
    "bench_units": ("--jobs", "3", "--rounds=3"),
    "bench_operator": ("--targets=6", "--edits=2", "--rest=2", "--quiet=0.3"),
}


@pytest.mark.parametrize("module", TINY)
def test_a_benchmark_runs_and_its_tables_hold_figures(module: str) -> None:
    command = [sys.executable, "-m", f"tests.bench.{module}", *TINY[module]]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0
    text = output.decode()
    assert text.startswith("## ")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    figures = [row for row in rows if re.search(r"\| +-?[\d.,]+", row)]
    absent = [row for row in rows if "is not installed" in row]  # packages of `make bench` alone
    headings = len(re.findall(r"^\|-", text, re.MULTILINE))
    assert len(figures) > 2
    assert len(figures) + len(absent) + headings == len(rows)
    assert "nan" not in text.lower()
    assert "| –" not in "\n".join(row for row in figures if "exporter" not in row)


def test_the_load_benchmark_closes_all_sessions_at_the_end() -> None:
    """Of ten BMCs one is dead, and none is slow or lossy."""
    command = ["-m", "tests.bench.bench_load", "ipmi", "--bmcs=10", "--seconds=1", *QUICK]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S
    )
    rows = dict(re.findall(r"^\| (\S.*?) +\| (\S+)", done.stdout, re.MULTILINE))
    assert int(rows["sessions open while polling"]) >= 9
    assert rows["sessions left open, as BMCs saw it"] == "0"
    assert rows["exit status"] == "0"


def test_a_benchmark_that_receives_sigterm_leaves_no_process_behind() -> None:
    mark = f"RACKWATT_BENCH={os.getpid()}.{time.monotonic_ns()}"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench", "load"],
        cwd=ROOT, env={**os.environ, **dict([mark.split("=")])}, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        _until(lambda: any("multiprocessing" in command for command in _marked(mark)))
        process.terminate()
        assert process.wait(DEADLINE_S) == 128 + signal.SIGTERM
    _until(lambda: not _marked(mark))


def _marked(mark: str) -> list[str]:
    """List the commands of all processes that have this in their environment."""
    commands = []
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if mark.encode() in (each / "environ").read_bytes().split(b"\0"):
                commands.append((each / "cmdline").read_text())
    return commands


def _until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_every_benchmark_runs_by_default_and_has_a_tiny_variant_here() -> None:
    modules = {path.stem for path in Path(__file__).parent.glob("bench_*.py")}
    assert {part.module for part in parts([])} == modules
    assert set(TINY) <= modules
    assert [part.name for part in parts(["redfish", "ipmi"])] == ["redfish", "ipmi"]
    with pytest.raises(SystemExit, match="no benchmark is called swim; known: ipmi,"):
        parts(["swim"])


def test_a_part_that_breaks_or_takes_too_long_is_reported_as_failed_on_the_page(
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = run(Part("swim", "no_such_module"))
    assert broken.startswith("## swim\n\n**Failed:** swim, exit status 1.")
    assert "No module named" in broken
    endless = run(Part("load", "bench_load", limit_s=1))
    assert endless.startswith("## load\n\n**Failed:** load, not done in 1 s.")
    whole = page([broken, endless, "## ipmi\n\nfine"], "a machine")
    assert whole.count("**Failed:**") == 4  # at the top, and in its section
    assert "Every budget is kept" not in whole
    assert "## ipmi\n\nfine" in whole


def test_a_page_without_a_miss_states_that_every_budget_is_kept() -> None:
    assert "Every budget is kept." in page(["## ipmi\n\nfine"], "a machine")
