"""PBS's commands: scripts that print what OpenPBS 23.06 and Torque do, in the formats they know.

No PBS server can be had from Debian, so these are captures and not a real peer.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from rackwatt_exporter.schedulers.pbs.commands import Pbs
from rackwatt_exporter.schedulers.registry import scheduler
from tests.eventually import PATIENCE_S
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.pbs.test_captures import (
    DATA,
    JOBS_JSON,
    JOBS_TEXT,
    NODES_JSON,
    NODES_TEXT,
    TORQUE_JOBS,
    TORQUE_NODES,
    by_json,
    by_text,
)

LOOPS = ("asyncio", "uvloop")
USAGE = CommandError(Reason.COMMAND_FAILED, "status 1", "pbsnodes: invalid option -- 'F'\nusage:")
OPENPBS = {
    "pbsnodes -av -F json": NODES_JSON,
    "qstat -t -f -F json": JOBS_JSON,
    "pbsnodes -av": NODES_TEXT,
    "qstat -t -f": JOBS_TEXT,
}
TORQUE = {"pbsnodes -x": TORQUE_NODES, "qstat -t -x": TORQUE_JOBS}
OLD = {"pbsnodes -av": NODES_TEXT, "qstat -t -f": JOBS_TEXT}


class Printing:
    """A host whose commands print what a test says; one that is not known prints its usage."""

    def __init__(self, outputs: dict[str, bytes | ReadError]) -> None:
        self.outputs = outputs
        self.commands: list[str] = []

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        command = " ".join(argv)
        self.commands.append(command)
        output = self.outputs.get(command, USAGE)
        if isinstance(output, ReadError):
            raise output
        return output

    async def close(self) -> None:
        return


def pbs(host: Printing) -> Pbs:
    return Pbs(SchedulerCommands(host, None, PATIENCE_S), reads_jobs=True)


@pytest.mark.parametrize(
    ("outputs", "first", "then"),
    [
        (OPENPBS, ["pbsnodes -av -F json", "qstat -t -f -F json"], 2),
        (TORQUE, ["pbsnodes -av -F json", "pbsnodes -x", "qstat -t -x"], 2),
        (
            OLD,
            [
                "pbsnodes -av -F json",
                "pbsnodes -x",
                "pbsnodes -av",
                "qstat -t -f -F json",
                "qstat -t -f",
            ],
            2,
        ),
    ],
    ids=["openpbs", "torque", "before json"],
)
async def test_the_first_format_that_works_is_kept(
    outputs: dict[str, bytes | ReadError], first: list[str], then: int
) -> None:
    host = Printing(outputs)
    reader = pbs(host)
    one = await reader.read()
    assert host.commands == first
    assert await reader.read() == one
    assert len(host.commands) == len(first) + then
    assert one.nodes
    assert one.jobs


async def test_jobs_whose_json_is_not_valid_are_read_from_text() -> None:
    host = Printing({**OPENPBS, "qstat -t -f -F json": JOBS_JSON.replace(b'"train"', b"0123")})
    reader = pbs(host)
    assert (await reader.read()).jobs == by_text().jobs
    assert (await reader.read()).nodes == by_json().nodes
    assert host.commands.count("qstat -t -f -F json") == 1


async def test_a_qstat_with_json_that_prints_nothing_is_no_empty_queue() -> None:
    host = Printing({**OPENPBS, "qstat -t -f -F json": b"", "qstat -t -f": b""})
    reader = pbs(host)
    snapshot = await reader.read()
    assert (snapshot.nodes, snapshot.jobs) == (by_json().nodes, None)
    assert snapshot.note.startswith("jobs are not known: bad_reply: qstat printed nothing")
    host.outputs = {**OPENPBS, "qstat -t -f -F json": b'{"timestamp":1,"pbs_server":"s"}'}
    assert (await reader.read()).jobs == ()
    host.outputs = {**OLD, "qstat -t -f": b""}
    assert (await reader.read()).jobs == ()


async def test_a_format_that_stops_working_is_negotiated_again() -> None:
    host = Printing({**OLD})
    reader = pbs(host)
    await reader.read()
    host.outputs = {**OPENPBS, "pbsnodes -av": b"", "qstat -t -f": b"?"}
    assert (await reader.read()).jobs == by_json().jobs


async def test_nodes_are_read_alone_where_jobs_are_not() -> None:
    host = Printing({**OPENPBS})
    snapshot = await Pbs(SchedulerCommands(host, None, PATIENCE_S), reads_jobs=False).read()
    assert snapshot.nodes == by_json().nodes
    assert snapshot.jobs is None
    assert host.commands == ["pbsnodes -av -F json"]


@pytest.mark.parametrize(
    ("stderr", "reason", "expected"),
    [
        ("Connection refused\npbsnodes: cannot connect to server s", Reason.UNREACHABLE, "reach"),
        ("pbsnodes: Unauthorized Request ", Reason.PRIVILEGE_INSUFFICIENT, "acl_users"),
        ("env: 'pbsnodes': No such file or directory", Reason.COMMAND_FAILED, "install"),
        ("the cat sat on it", Reason.COMMAND_FAILED, "status 1"),
    ],
)
async def test_a_failure_is_explained_and_no_other_format_is_tried(
    stderr: str, reason: Reason, expected: str
) -> None:
    failure = CommandError(Reason.COMMAND_FAILED, "status 1", stderr)
    host = Printing({"pbsnodes -av -F json": failure})
    with pytest.raises(ReadError, match=expected) as caught:
        await pbs(host).read()
    assert caught.value.reason is reason
    assert len(host.commands) == 1


async def test_jobs_that_cannot_be_read_are_unknown_and_nodes_are_not() -> None:
    failure = CommandError(Reason.COMMAND_FAILED, "status 1", "qstat: Unauthorized Request")
    snapshot = await pbs(Printing({**OPENPBS, "qstat -t -f -F json": failure})).read()
    assert (snapshot.nodes, snapshot.jobs) == (by_json().nodes, None)
    assert snapshot.note.startswith("jobs are not known: privilege_insufficient: ")


async def test_commands_that_know_no_format_fail_with_the_words_of_the_first() -> None:
    host = Printing({})
    with pytest.raises(ReadError, match="status 1"):
        await pbs(host).read()
    assert host.commands == ["pbsnodes -av -F json", "pbsnodes -x", "pbsnodes -av"]


def commands_that_want(condition: str, directory: Path) -> str:
    """Write commands that print the captures if a condition of the shell holds."""
    for program, capture in (("pbsnodes", "pbsnodes-av.json"), ("qstat", "qstat-tf.json")):
        path = directory / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{condition} && exec cat {DATA / capture}\n")
        path.chmod(0o755)
    return str(directory / "bin")


@pytest.mark.parametrize(
    ("field", "condition"),
    [
        ("", '[ "$TZ" = UTC0 ]'),  # their times have no zone
        ("", '[ "$PBS_DEFAULT" = other ]'),
        ("server: head:15007, ", '[ "$PBS_DEFAULT $PBS_SERVER" = "head:15007 head:15007" ]'),
    ],
    ids=["UTC", "our own server", "the document's server"],
)
async def test_the_commands_of_a_document_run_in_utc_and_for_its_server(
    field: str, condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PBS_DEFAULT", "other")
    path = commands_that_want(condition, tmp_path)
    spec = f"timeout: 2m, pbs: {{{field}cli: {{path: {path}}}}}"
    made = scheduler(resolved(spec), Secrets(tmp_path))
    snapshot = await made.read()
    await made.close()
    assert snapshot == by_json()
