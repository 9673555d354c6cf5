"""Names of users and groups: this machine's own getent, and directories that misbehave."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.lustre import getent
from rackwatt_exporter.lustre.getent import FRESH_S, RETRY_S, Getent
from rackwatt_exporter.lustre.join import PasswdEntry
from rackwatt_exporter.reading import Reason
from tests.eventually import PATIENCE_S, eventually

LOOPS = ("attended",)
ABSENT = 4_000_000_123


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


Directory = Callable[[str], Getent[PasswdEntry]]


@pytest.fixture
def directory(tmp_path: Path, clock: Clock) -> Directory:
    """Return a function that makes a database of a script, which logs its arguments."""

    def make(script: str) -> Getent[PasswdEntry]:
        command = tmp_path / "getent"
        command.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/log\n{script}\n')
        command.chmod(0o755)
        return Getent("passwd", getent.parse_user, clock, str(command))

    return make


def requested(tmp_path: Path) -> list[str]:
    log = tmp_path / "log"
    return log.read_text().splitlines() if log.exists() else []


async def test_names_are_those_of_this_machine_and_what_has_none_has_none() -> None:
    users, groups = getent.users(), getent.groups()
    assert await users.read([0, ABSENT], PATIENCE_S) is None
    assert await groups.read([0, ABSENT], PATIENCE_S) is None
    assert users.entries == {0: PasswdEntry("root", 0)}
    assert groups.entries == {0: "root"}


async def test_all_ids_are_looked_up_by_one_command_and_then_kept(
    directory: Directory, tmp_path: Path, clock: Clock
) -> None:
    users = directory("echo 'a:x:1:5::/:/bin/sh'; echo 'CORP\\\\bob jones:*:2:6::/:'; exit 2")
    for _ in range(3):
        assert await users.read([1, 2, 3], PATIENCE_S) is None
    assert users.entries == {1: PasswdEntry("a", 5), 2: PasswdEntry("CORP\\bob jones", 6)}
    assert requested(tmp_path) == ["passwd 1 2 3"]
    clock.now_s += RETRY_S
    await users.read([1, 2, 3], PATIENCE_S)
    clock.now_s += FRESH_S
    await users.read([1, 2], PATIENCE_S)
    assert requested(tmp_path)[1:] == ["passwd 3", "passwd 1 2"]


async def test_ids_without_an_entry_are_not_kept_for_ever(
    directory: Directory, clock: Clock
) -> None:
    users = directory("exit 2")
    for number in range(5):
        await users.read([number], PATIENCE_S)
        clock.now_s += RETRY_S
    assert len(users._due_s) == 1


async def test_nothing_to_look_up_is_no_command(directory: Directory, tmp_path: Path) -> None:
    assert await directory("exit 1").read([], PATIENCE_S) is None
    assert requested(tmp_path) == []


async def test_a_failure_is_kept_for_a_minute_and_names_are_kept_through_it(
    directory: Directory, tmp_path: Path, clock: Clock
) -> None:
    users = directory("echo 'a:x:1:5::/:'")
    await users.read([1], PATIENCE_S)
    directory("echo 'cannot connect to LDAP' >&2; exit 1")
    clock.now_s += FRESH_S
    for _ in range(3):
        error = await users.read([1, 2], PATIENCE_S)
        assert error is not None
        assert error.reason is Reason.COMMAND_FAILED
        assert "cannot connect to LDAP" in str(error)
    assert users.entries == {1: PasswdEntry("a", 5)}
    assert len(requested(tmp_path)) == 2
    directory("echo 'b:x:2:5::/:'; exit 2")
    clock.now_s += RETRY_S
    assert await users.read([1, 2], PATIENCE_S) is None
    assert users.entries == {1: PasswdEntry("a", 5), 2: PasswdEntry("b", 5)}


async def test_a_directory_that_hangs_ends_at_the_deadline_with_its_children(
    directory: Directory, tmp_path: Path
) -> None:
    users = directory(f"sleep 1000 & echo $! > {tmp_path}/child; wait")
    error = await users.read([1], 0.5)
    assert error is not None
    assert error.reason is Reason.TIMEOUT
    child = int((tmp_path / "child").read_text())
    await eventually(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_host_without_getent_is_a_reason() -> None:
    error = await Getent("passwd", getent.parse_user, command="/nowhere/getent").read([1], 1)
    assert error is not None
    assert error.reason is Reason.COMMAND_FAILED


async def test_a_lookup_that_is_cancelled_leaves_no_process(
    directory: Directory, tmp_path: Path
) -> None:
    users = directory(f"echo $$ > {tmp_path}/pid; exec sleep 1000")
    task = asyncio.create_task(users.read([1], PATIENCE_S))
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int((tmp_path / "pid").read_text())
    await eventually(lambda: not _runs(pid))


def test_one_bad_line_hides_no_other() -> None:
    output = (
        b"a:x:1:5::/:\nbad\n:x:2:5::/:\nb:x:q:5::/:\nc:x:3:\xff:/:\n\xff\xfe:x:4:6:::\nd:x:-5:6::\n"
    )
    assert dict(getent.parse(output, getent.parse_user)) == {
        1: PasswdEntry("a", 5),
        4: PasswdEntry("\ufffd\ufffd", 6),
    }
    assert dict(getent.parse(b"g:x:7:\nh:*:8:a,b\n", getent.parse_group)) == {7: "g", 8: "h"}


def test_an_entry_that_libnss_unknown_makes_up_is_none() -> None:
    made_up = b"uid-4711:x:4711:4711:Unknown user:/:/sbin/nologin\nuid-1:x:2:2::/:\n"
    assert dict(getent.parse(made_up, getent.parse_user)) == {2: PasswdEntry("uid-1", 2)}


@given(st.binary())
def test_any_output_is_names_that_a_label_can_hold(output: bytes) -> None:
    for number, user in getent.parse(output, getent.parse_user):
        assert number >= 0
        assert user.name
        assert user.name.isprintable()
