"""When subjects are read, for how long each result is kept, and what a failure costs the others."""

import asyncio
from collections.abc import Callable

import pytest

from rackwatt_crds.rules import camel
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.snapshot import OPTIONAL, SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.licenses import LICENSES
from rackwatt_exporter.schedulers.slurm.partitions import PARTITIONS
from rackwatt_exporter.schedulers.slurm.subject import Parsed, SlurmSubject
from rackwatt_exporter.schedulers.slurm.subjects import SUBJECTS, SubjectReader, wanted
from tests.exporter.schedulers.bindings import resolved
from tests.virtual_time import run

NODES = SchedulerSnapshot({"n1": SchedulerNode("idle")}, note="a note")
MATLAB = (License("matlab", 10, 3, 7),)
FAILURE = ReadError(Reason.TIMEOUT, "scontrol had not ended after 9 s")


def each(every_s: float, doubt: Callable[..., str] | None = None) -> SlurmSubject:
    return LICENSES._replace(every_s=every_s, doubt=doubt)


class Slurm:
    """What a reader asks, with the result for each time; an int is that many seconds of silence."""

    def __init__(self, *results: Parsed | ReadError | int) -> None:
        self.results = list(results)
        self.requests: list[tuple[str, float]] = []

    async def ask(self, subject: SlurmSubject, timeout_s: float) -> Parsed:
        self.requests.append((subject.field, timeout_s))
        result = self.results.pop(0)
        if isinstance(result, int):
            await asyncio.sleep(min(result, timeout_s))
            raise FAILURE
        if isinstance(result, ReadError):
            raise result
        return result


async def polls(reader: SubjectReader, *times_s: float) -> list[SchedulerSnapshot]:
    loop = asyncio.get_running_loop()
    taken = []
    for time_s in times_s:
        await asyncio.sleep(time_s - loop.time())
        taken.append(await reader.complete(NODES, loop.time() + 9))
    return taken


def test_each_subject_is_a_field_of_the_snapshot_that_it_may_be_without_and_one_of_a_document() -> (
    None
):
    for subject in SUBJECTS:
        assert subject.field in OPTIONAL
        assert subject.forms
        metrics = resolved(
            f"slurm: {{cli: {{}}}}, metrics: {{{camel(subject.option)}: true}}"
        ).metrics
        assert subject in wanted(metrics.subjects)


def test_no_subject_but_partitions_is_read_of_itself() -> None:
    options = resolved("slurm: {cli: {}}").metrics.subjects
    assert options == {"partitions"}
    assert wanted(options) == [PARTITIONS]
    assert not wanted(frozenset())


def test_a_document_that_wants_another_subject_makes_another_connection() -> None:
    with_licenses = resolved("slurm: {cli: {}}, metrics: {licenses: true}")
    assert with_licenses.connection_key != resolved("slurm: {cli: {}}").connection_key


def test_a_snapshot_without_a_wanted_subject_is_the_same_object() -> None:
    assert run(polls(SubjectReader([], Slurm().ask), 0))[0] is NODES


def test_a_subject_is_read_at_each_poll_beside_nodes_that_stay() -> None:
    slurm = Slurm(Parsed(()), Parsed(MATLAB, "1 licence could not be read"))
    first, second = run(polls(SubjectReader([LICENSES], slurm.ask), 0, 30))
    assert (first.licenses, first.note) == ((), "a note")
    assert (second.licenses, second.note) == (MATLAB, "a note; 1 licence could not be read")
    assert second.nodes == NODES.nodes


@pytest.mark.parametrize("result", [Parsed(MATLAB), Parsed(())])
def test_a_slow_rhythm_keeps_a_result_be_it_good_or_empty(result: Parsed) -> None:
    slurm = Slurm(result, Parsed(MATLAB))
    reader = SubjectReader([each(every_s=300)], slurm.ask)
    *kept, last = run(polls(reader, 0, 30, 60, 269, 271))
    assert len(slurm.requests) == 2
    assert [snapshot.licenses for snapshot in kept] == [result.value] * 4
    assert len({snapshot.note for snapshot in kept}) == 1
    assert last.licenses == MATLAB


def test_a_subject_of_a_slow_rhythm_that_failed_is_read_again_after_a_minute() -> None:
    slurm = Slurm(FAILURE, Parsed(MATLAB), FAILURE)
    reader = SubjectReader([each(every_s=300)], slurm.ask)
    snapshots = run(polls(reader, 0, 30, 60, 90, 330))
    assert [snapshot.licenses for snapshot in snapshots] == [None, None, MATLAB, MATLAB, None]


def test_a_subject_that_fails_is_not_known_and_the_note_says_why() -> None:
    (snapshot,) = run(polls(SubjectReader([LICENSES], Slurm(FAILURE).ask), 0))
    assert snapshot.licenses is None
    assert snapshot.note == f"a note; licences are not known: timeout: {FAILURE}"
    assert snapshot.nodes == NODES.nodes


def test_one_that_hangs_takes_its_share_of_the_time_and_those_behind_it_are_read() -> None:
    slurm = Slurm(100, Parsed(()), Parsed(()))
    subjects = [LICENSES._replace(field=field) for field in ("queues", "reservations", "licenses")]
    (snapshot,) = run(polls(SubjectReader(subjects, slurm.ask), 0))
    assert [round(timeout_s, 3) for _, timeout_s in slurm.requests] == [3, 3, 6]
    assert snapshot.licenses == ()


def test_a_poll_whose_time_nodes_and_jobs_have_used_asks_nothing_more() -> None:
    async def late() -> SchedulerSnapshot:
        loop = asyncio.get_running_loop()
        return await SubjectReader([LICENSES], Slurm().ask).complete(NODES, loop.time() - 1)

    assert "licences are not known: timeout" in run(late()).note


def test_a_value_that_cannot_be_true_beside_the_nodes_is_not_known() -> None:
    def doubt(value: object, snapshot: SchedulerSnapshot) -> str:
        return "" if value else f"{len(snapshot.nodes)} node has some"

    slurm = Slurm(Parsed(()), Parsed(MATLAB))
    hidden, shown = run(polls(SubjectReader([each(0, doubt)], slurm.ask), 0, 30))
    assert hidden.licenses is None
    assert "licences are not known: 1 node has some" in hidden.note
    assert shown.licenses == MATLAB


@pytest.mark.parametrize(
    "subject", [one for one in SUBJECTS if one.path], ids=lambda subject: subject.field
)
@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"errors": ["no"]}', b"{7}"])
def test_an_answer_that_is_none_is_named_by_its_path(subject: SlurmSubject, body: bytes) -> None:
    path = subject.path.format(version="v0.0.40")
    assert subject.parse_reply is not None
    with pytest.raises(ReadError) as caught:
        subject.parse_reply(body, what=path)
    assert caught.value.reason is Reason.BAD_REPLY
    assert path in str(caught.value)
    assert "scontrol" not in str(caught.value)
