"""HTCondor's commands, which print a capture: what is run, what it means where they fail."""

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.base import Scheduler
from rackwatt_exporter.schedulers.htcondor.commands import parse_version
from rackwatt_exporter.schedulers.registry import scheduler
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.snapshots import states

DATA = Path(__file__).parents[3] / "data" / "htcondor-25.14"
VERSION = "$CondorVersion: 25.14.1 2026-10-16 PackageID: 25.14.1+dfsg-1 $"
PRINTED = {
    "condor_status": f"cat {DATA}/condor_status.json",
    "condor_q": f"cat {DATA}/condor_q.json",
    "condor_version": f"echo '{VERSION}'",
}


def condor(directory: Path, scripts: Mapping[str, str], spec: str = "") -> Scheduler:
    """Make a scheduler whose commands are scripts."""
    for name, script in (PRINTED | dict(scripts)).items():
        path = directory / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {directory}/run\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    config = resolved(f"htcondor: {{cli: {{path: {directory}}}}}{spec}")
    return scheduler(config, Secrets(directory))


async def failure(made: Scheduler) -> ReadError:
    with pytest.raises(ReadError) as caught:
        await made.read()
    return caught.value


async def test_a_reading_is_nodes_jobs_and_the_version_once(tmp_path: Path) -> None:
    made = condor(tmp_path, {})
    first, second = await made.read(), await made.read()
    assert first == second
    assert (states(first), first.version, first.note) == ({"localhost": "idle"}, "25.14.1", "")
    assert first.jobs is not None
    assert [job.id for job in first.jobs] == ["1.0", "1.1", "1.2", "2.0", "3.0"]
    run = [line.split()[0] for line in (tmp_path / "run").read_text().splitlines()]
    assert run == ["condor_status", "condor_q", "condor_version", "condor_status", "condor_q"]


async def test_jobs_that_are_not_wanted_are_not_polled(tmp_path: Path) -> None:
    off = ", metrics: {jobs: false, partitions: false, users: false, accounts: false}"
    snapshot = await condor(tmp_path, {}, off).read()
    assert snapshot.jobs is None
    assert "condor_q" not in (tmp_path / "run").read_text()


@pytest.mark.parametrize(
    ("script", "note"),
    [
        ("echo 'Failed to fetch ads from: <10.0.0.1:9618>' >&2; exit 1", "unreachable"),
        ("echo 'All queues are empty'", "bad_reply: not the JSON that condor_q prints"),
        ("echo 'DENIED' >&2; exit 1", "privilege_insufficient"),
        ("exit 3", "command_failed"),
    ],
)
async def test_jobs_that_cannot_be_read_are_unknown_and_nodes_are_not(
    tmp_path: Path, script: str, note: str
) -> None:
    snapshot = await condor(tmp_path, {"condor_q": script}).read()
    assert (states(snapshot), snapshot.jobs) == ({"localhost": "idle"}, None)
    assert snapshot.note.startswith("jobs are not known")
    assert note in snapshot.note


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'Error: communication error'; echo \"Couldn't contact the condor_collector on "
            'h" >&2; exit 1',
            Reason.UNREACHABLE,
        ),
        ("exec sleep 60", Reason.TIMEOUT),
        ("echo '<html>'", Reason.BAD_REPLY),
        ("", Reason.BAD_REPLY),
        ("echo '[{}]'", Reason.BAD_REPLY),
    ],
)
async def test_nodes_that_cannot_be_read_are_a_failure_with_its_reason(
    tmp_path: Path, script: str, reason: Reason
) -> None:
    error = await failure(condor(tmp_path, {"condor_status": script}, ", timeout: 500ms"))
    assert error.reason is reason


async def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = condor(tmp_path, {})
    (tmp_path / "condor_status").unlink()
    error = await failure(made)
    assert error.reason is Reason.COMMAND_FAILED
    assert "condor_status" in str(error)


async def test_a_version_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    snapshot = await condor(tmp_path, {"condor_version": "exit 1"}).read()
    assert (states(snapshot), snapshot.version) == ({"localhost": "idle"}, "")


async def test_records_that_cannot_be_read_are_counted_in_a_note(tmp_path: Path) -> None:
    nodes = """echo '[{"Machine": "a", "State": "Claimed"}, 3]'"""
    made = condor(tmp_path, {"condor_status": nodes, "condor_q": "echo '[{}, {}]'"})
    snapshot = await made.read()
    assert (states(snapshot), snapshot.jobs) == ({"a": "allocated"}, ())
    assert (snapshot.unread, snapshot.unread_jobs) == (1, 2)
    expected = "1 node record could not be read; 2 job records could not be read"
    assert snapshot.note == expected


def test_a_version_is_found_behind_a_greeting() -> None:
    assert parse_version(f"Welcome\n{VERSION}\n$CondorPlatform: x $\n".encode()) == "25.14.1"
    assert parse_version(b"condor 25") == ""
