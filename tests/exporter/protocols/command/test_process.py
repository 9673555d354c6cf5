"""Child processes: what ends with them at their deadline."""

import os
import signal
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.command import process, stuck
from rackwatt_exporter.protocols.command.process import ProcessTimeoutError, run_process
from tests.eventually import eventually

LOOPS = ("asyncio", "uvloop")  # each starts and reaps children in its own way


def runs(mark: Path) -> bool:
    """Return whether the process whose id is in a file is there, and no zombie."""
    try:
        return bool(Path(f"/proc/{int(mark.read_text())}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("leader", ["exit 0", "wait"])
async def test_a_process_that_keeps_the_stdout_of_a_child_ends_at_the_deadline(
    tmp_path: Path, leader: str
) -> None:
    mark = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {mark}; {leader}"
    for timeout_s in (1, 4, 16, 64):  # until there was time for it to start
        with pytest.raises(ProcessTimeoutError):
            await run_process(("sh", "-c", script), timeout_s)
        if mark.exists() and mark.read_text():
            break
    await eventually(lambda: not runs(mark))


async def test_a_command_whose_killed_child_stays_is_not_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killpg = os.killpg
    monkeypatch.setattr(os, "killpg", lambda pid, number: None)  # as it is in a hanging system call
    monkeypatch.setattr(process, "REAP_TIMEOUT_S", 0.1)
    mark = tmp_path / "pids"
    argv = ("sh", "-c", f"echo $$ >> {mark}; exec sleep 30")
    with pytest.raises(ProcessTimeoutError) as first:
        await run_process(argv, 1)
    assert first.value.stderr == b""
    (pid,) = map(int, mark.read_text().split())
    for _ in range(3):
        with pytest.raises(ProcessTimeoutError) as caught:
            await run_process(argv, 1)
        assert (
            f"process {pid}, which was killed earlier, still hangs".encode() in caught.value.stderr
        )
    assert (await run_process(("echo", "other"))).stdout == b"other\n"
    assert mark.read_text().split() == [str(pid)]
    killpg(pid, signal.SIGKILL)  # the call has returned
    await eventually(lambda: stuck.hanging(argv) is None)
    with pytest.raises(ProcessTimeoutError) as again:
        await run_process(argv, 1)
    assert again.value.stderr == b""
    (_, second) = map(int, mark.read_text().split())
    killpg(second, signal.SIGKILL)
    await eventually(lambda: stuck.hanging(argv) is None)
