"""Child processes: what ends with them at their deadline."""

from pathlib import Path

import pytest

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
