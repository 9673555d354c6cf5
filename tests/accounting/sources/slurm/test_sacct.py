"""sacct as a command: its arguments, and what its failures mean."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.slurm.sacct import ENVIRONMENT, IDS, SacctSource
from rackwatt_exporter.protocols.command.local import LocalHost
from rackwatt_exporter.protocols.command.process import CommandError, LongOutputError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.commands import SchedulerCommands
from tests.accounting.sources.slurm.records import BEGIN_S, Record, printed, records

DAY = Window(BEGIN_S, BEGIN_S + 86_400)
ONE = Record(7, BEGIN_S, BEGIN_S + 60)
DOWN = "sacct: error: Problem talking to the database: Connection refused\n"
SCRIPT = """#!/bin/sh
for word; do case $word in --delimiter=*) delimiter=${word#--delimiter=};; esac; done
sed "s/@/$delimiter/g" %s
%s
"""


class Sacct:
    """A host whose sacct prints records, and that keeps the command lines."""

    def __init__(self, of: Sequence[Record] = (), error: ReadError | None = None) -> None:
        self._records, self._error = of, error
        self.run_with: list[Sequence[str]] = []

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Print the records."""
        self.run_with.append(argv)
        if self._error is not None:
            raise self._error
        (delimiter,) = (w.removeprefix("--delimiter=") for w in argv if w.startswith("--delim"))
        return printed(self._records, delimiter)

    async def close(self) -> None:
        """Nothing is open."""


def source(host: Sacct, cluster: str | None = None) -> SacctSource:
    return SacctSource(SchedulerCommands(host, "/opt/slurm/bin", 10), cluster)


async def listed(of: SacctSource, window: Window = DAY) -> list[Unit]:
    return [unit async for batch in of.units(window) for unit in batch]


async def test_a_window_is_read_in_utc_with_no_states_and_no_steps() -> None:
    host = Sacct()
    assert await listed(source(host), Window(1_774_746_000, 1_774_749_600)) == []
    ((program, *words),) = host.run_with
    assert program == "/opt/slurm/bin/sacct"
    assert words[words.index("-S") + 1] == "2026-03-29T01:00:00"
    assert words[words.index("-E") + 1] == "2026-03-29T02:00:00"
    assert {"-a", "-D", "-X", "-p", "--noconvert", "--local"} <= set(words)
    assert not {"-n", "-s", "-M"} & set(words)
    assert {"TZ=UTC", "SLURM_TIME_FORMAT=%s"} <= set(ENVIRONMENT.settings)


async def test_a_cluster_that_is_named_is_read_by_that_name() -> None:
    host = Sacct()
    await listed(source(host, "beta"))
    ((_, *words),) = host.run_with
    assert words[words.index("-M") + 1] == "beta"
    assert "--local" not in words


async def test_no_two_commands_have_one_delimiter() -> None:
    host = Sacct()
    await listed(source(host))
    await listed(source(host))
    first, second = ({w for w in words if w.startswith("--delimiter=")} for words in host.run_with)
    assert first != second


async def test_a_window_has_what_ran_or_ended_in_it_alone() -> None:
    some = records(3, 3000)
    truth = [
        unit
        for record in some
        if (unit := record.unit())
        and unit.started_at_s < DAY.to_s
        and (unit.ended_at_s is None or unit.ended_at_s >= DAY.from_s)
    ]
    assert 0 < len(truth) < 2000
    assert await listed(source(Sacct(some))) == truth


async def test_a_large_output_comes_in_batches() -> None:
    some = [Record(number, BEGIN_S, BEGIN_S + 60) for number in range(1, 10_001)]
    batches = [len(batch) async for batch in source(Sacct(some)).units(DAY)]
    assert sum(batches) == 10_000
    assert max(batches) < 3000


class Crowded(Sacct):
    """A host whose sacct prints too much of more than a quarter of a day."""

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        whole = await super().run(argv, timeout_s)
        from_s, to_s = (
            datetime.fromisoformat(f"{argv[argv.index(option) + 1]}+00:00").timestamp()
            for option in ("-S", "-E")
        )
        if to_s - from_s > 6 * 3600:
            raise LongOutputError(Reason.BAD_REPLY, "sacct printed more than 1 bytes")
        return whole


async def test_a_window_of_too_many_jobs_is_read_in_parts_and_each_unit_comes_once() -> None:
    some = [*records(3, 3000), Record(9999, BEGIN_S - 9, BEGIN_S + 80_000)]
    host = Crowded(some)
    assert sorted(unit.key for unit in await listed(source(host))) == sorted(
        unit.key for unit in await listed(source(Sacct(some)))
    )
    assert len(host.run_with) == 7  # a whole, two halves, four quarters


async def test_a_minute_of_too_many_jobs_is_an_error() -> None:
    host = Sacct(error=LongOutputError(Reason.BAD_REPLY, "sacct printed more than 1 bytes"))
    with pytest.raises(ReadError, match="printed more"):
        await listed(source(host), Window(BEGIN_S, BEGIN_S + 240))
    assert len(host.run_with) == 3


async def test_ids_are_read_in_groups_and_always_since_a_time() -> None:
    host = Sacct([ONE, Record(8, BEGIN_S, BEGIN_S + 60), Record(9, BEGIN_S - 99, BEGIN_S - 9)])
    ids = [str(number) for number in range(7, 8 + IDS)]
    found = [unit async for batch in source(host).units_by_id(ids, BEGIN_S) for unit in batch]
    groups = [words[words.index("-j") + 1].split(",") for words in host.run_with]
    assert [len(group) for group in groups] == [IDS, 1]
    assert all(words[words.index("-S") + 1].startswith("2026-") for words in host.run_with)
    # The id of an array lists its tasks: what was not wanted is left out.
    assert [unit.id for unit in found] == ["7", "8"]


async def test_no_ids_are_no_question() -> None:
    host = Sacct()
    assert [batch async for batch in source(host).units_by_id([], BEGIN_S)] == []
    assert host.run_with == []


@pytest.mark.parametrize(
    ("stderr", "reason", "words"),
    [
        (DOWN, Reason.UNREACHABLE, "cannot reach slurmdbd"),
        ("Slurm accounting storage is disabled", Reason.COMMAND_FAILED, "no slurmdbd"),
        ("sacct: error: Access/permission denied", Reason.PRIVILEGE_INSUFFICIENT, "PrivateData"),
        ("env: 'sacct': No such file or directory", Reason.COMMAND_FAILED, "there is no sacct"),
    ],
)
async def test_a_failure_says_what_it_means(stderr: str, reason: Reason, words: str) -> None:
    error = CommandError(Reason.COMMAND_FAILED, "sacct ended with status 1", stderr)
    with pytest.raises(ReadError, match=words) as raised:
        await listed(source(Sacct(error=error)))
    assert raised.value.reason is reason


def script(folder: Path, of: Sequence[Record], then: str) -> SacctSource:
    """A sacct that prints records and goes on with a shell's command."""
    text = folder / "printed"
    text.write_bytes(printed(of, "@"))
    command = folder / "sacct"
    command.write_text(SCRIPT % (text, then))
    command.chmod(0o755)
    host = LocalHost(ENVIRONMENT.variables, ENVIRONMENT.settings)
    return SacctSource(SchedulerCommands(host, str(folder), 10))


async def test_warnings_on_stderr_are_harmless(tmp_path: Path) -> None:
    sacct = script(tmp_path, [ONE], "echo 'sacct: Conflicting options' >&2")
    assert await listed(sacct) == [ONE.unit()]


async def test_a_command_that_fails_in_the_middle_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as raised:
        await listed(script(tmp_path, [ONE], f"printf '{DOWN}' >&2; exit 1"))
    assert raised.value.reason is Reason.UNREACHABLE


async def test_a_command_that_is_killed_after_whole_records_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError):
        await listed(script(tmp_path, [ONE], "kill -9 $$"))


async def test_half_a_line_is_an_error_though_the_command_says_that_all_is_well(
    tmp_path: Path,
) -> None:
    sacct = script(tmp_path, [ONE], "printf '8@8@COMPL'")
    with pytest.raises(ReadError, match="ends within a record") as raised:
        await listed(sacct)
    assert raised.value.reason is Reason.BAD_REPLY
