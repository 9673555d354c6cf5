"""This machine's own BMC: a real child with a driver below it that answers, hangs or dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rackwatt_exporter.protocols.ipmi import local_bmc
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.local_bmc import LocalBmc, device_paths
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import eventually
from tests.exporter.protocols.ipmi.openipmi_driver import device, worker

LOOPS = ("asyncio", "uvloop")  # each starts and reaps children in its own way
POWER = ("DCMI Get Power Reading", (0x2C, 0x02), bytes.fromhex("dc010000"))


@asynccontextmanager
async def bmc(directory: Path, behaviour: str) -> AsyncIterator[LocalBmc]:
    device(directory)
    made = LocalBmc(device_paths(directory, 0), worker(behaviour))
    try:
        yield made
    finally:
        await made.close()


def children() -> set[int]:
    """Return the processes that this one started and that have not been reaped."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return set(map(int, text.split()))


def runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_response_comes_without_its_completion_code_and_one_child_serves_all(
    tmp_path: Path,
) -> None:
    before = children()
    async with bmc(tmp_path, "00dc2001") as made:
        assert await made.command(*POWER) == bytes.fromhex("dc2001")
        (child,) = children() - before
        assert await made.command(*POWER) == bytes.fromhex("dc2001")
        assert children() - before == {child}
    assert children() == before


async def test_a_refusal_is_its_completion_code(tmp_path: Path) -> None:
    async with bmc(tmp_path, "c1") as made:
        with pytest.raises(CompletionError, match="does not know this command") as caught:
            await made.command(*POWER)
    assert caught.value.reason is Reason.NO_POWER_SENSOR


async def test_a_child_that_dies_is_an_error_and_the_next_command_starts_another(
    tmp_path: Path,
) -> None:
    before = children()
    async with bmc(tmp_path, "die") as made:
        for _ in range(2):
            with pytest.raises(ReadError, match="the child for IPMI ended") as caught:
                await made.command(*POWER)
            assert caught.value.reason is Reason.INTERNAL_ERROR
            assert children() == before


async def test_a_child_that_hangs_is_killed_and_its_successor_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_bmc, "HUNG_AFTER_S", 0.1)
    before = children()
    async with bmc(tmp_path, "hang") as made:
        for _ in range(2):
            with pytest.raises(ReadError, match="driver hangs") as caught:
                await made.command(*POWER)
            assert caught.value.reason is Reason.TIMEOUT
            assert children() == before


async def test_a_cancelled_command_leaves_no_child(tmp_path: Path) -> None:
    before = children()
    async with bmc(tmp_path, "hang") as made:
        command = asyncio.create_task(made.command(*POWER))
        await eventually(lambda: bool(children() - before))
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        await eventually(lambda: children() == before)


async def test_a_child_that_the_kernel_does_not_let_die_is_not_joined_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_bmc, "HUNG_AFTER_S", 0.1)
    monkeypatch.setattr(local_bmc, "REAP_TIMEOUT_S", 0.1)
    immortal: Callable[[object], None] = lambda child: None  # noqa: E731 - as SIGKILL has no effect
    monkeypatch.setattr(local_bmc, "_kill", immortal)
    before = children()
    async with bmc(tmp_path, "hang") as made:
        with pytest.raises(ReadError, match="was killed"):
            await made.command(*POWER)
        (stuck,) = children() - before
        for _ in range(3):
            with pytest.raises(ReadError, match=f"process {stuck}, .* still hangs") as caught:
                await made.command(*POWER)
            assert caught.value.reason is Reason.TIMEOUT
        assert children() - before == {stuck}
        os.kill(stuck, signal.SIGKILL)  # the call returns at last
        await eventually(lambda: stuck not in children())
        with pytest.raises(ReadError, match="was killed"):
            await made.command(*POWER)
        # The kernel may leave a child out of the list while another one ends.
        (other,) = await eventually(lambda: children() - before)
        assert other != stuck
        os.kill(other, signal.SIGKILL)


async def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    made = LocalBmc(device_paths(tmp_path, 0), (str(tmp_path / "none"),))
    with pytest.raises(ReadError, match="no child process for IPMI") as caught:
        await made.command(*POWER)
    assert caught.value.reason is Reason.INTERNAL_ERROR
    await made.close()


def test_devices_are_looked_for_where_kernels_have_had_them() -> None:
    paths = device_paths(Path("/dev"), 1)
    assert list(map(str, paths)) == ["/dev/ipmi1", "/dev/ipmi/1", "/dev/ipmidev/1"]
