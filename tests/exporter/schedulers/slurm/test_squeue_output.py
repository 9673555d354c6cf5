"""What squeue prints: one record for each line, greetings around them, and garbage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.output_format import MARK
from rackwatt_exporter.schedulers.slurm.squeue_output import ListedJobs, parse_jobs

MIB = 2**20
# Of 22.05, 24.11 and 26.05.
HEADER = (
    "JOBID|rackwatt|STATE|TRES_ALLOC|USER|ACCOUNT|QOS|PARTITION|NODELIST|TRES_PER_JOB|TRES_PER_NODE"
    "|TRES_PER_SOCKET|TRES_PER_TASK|SUBMIT_TIME|START_TIME|END_TIME|JOBID|FEATURES|JOBID|REASON|JOBID|"
    "\n"
)
RUNNING = (
    f"1{MARK}RUNNING|cpu=2,mem=500M,node=1,billing=2,gres/gpu=2,gres/gpu:h100=2|alice|proj1|normal|batch|n1"
    "|N/A|gres:gpu:h100:2|N/A|N/A|1795220000|1795220060|1795223660|1|(null)|1|None|1|\n"
)
ALICE = Job(
    "1", "running", user="alice", account="proj1", qos="normal", partitions=("batch",),
    submitted_at_s=1795220000, started_at_s=1795220060, nodes=("n1",),
    allocated=Resources(2, 500 * MIB, (Gres("gpu", 2, "h100"),)),
    per_node=(Resources(2, 500 * MIB, (Gres("gpu", 2, "h100"),)),),
)  # fmt: skip


def line(
    name: str = "7", state: str = "RUNNING", tres: str = "cpu=1,mem=1G,node=1", user: str = "bob",
    partition: str = "batch", nodes: str = "n2", gres: str = "N/A|N/A|N/A|N/A",
    times: str = "100|200|300", features: str = "(null)", reason: str = "None",
    number: str = "7",
) -> str:  # fmt: skip
    return (
        f"{name}{MARK}{state}|{tres}|{user}|(null)|(null)|{partition}|{nodes}|{gres}|{times}|{number}"
        f"|{features}|{name}|{reason}|{name}|\n"
    )


def read(output: str | bytes) -> ListedJobs:
    return parse_jobs(output if isinstance(output, bytes) else output.encode(), {})


def only(output: str) -> Job:
    (job,) = read(output).by_line.values()
    return job


def test_a_running_job_has_all_that_squeue_prints_of_it() -> None:
    assert only(RUNNING) == ALICE


def test_a_job_that_waits_holds_nothing_and_its_start_is_a_plan() -> None:
    job = only(line("9", "PENDING", nodes="", times="100|999|1999", reason="Resources"))
    assert (job.state, job.reason, job.nodes, job.allocated) == ("pending", "Resources", (), None)
    assert job.requested == Resources(1, 1024 * MIB, ())
    assert (job.submitted_at_s, job.started_at_s, job.ended_at_s) == (100, None, None)


def test_a_suspended_job_keeps_its_memory_and_not_its_cpus() -> None:
    job = only(line(state="SUSPENDED", tres="cpu=8,mem=1M,node=1,gres/gpu=1"))
    assert job.allocated == Resources(0, MIB, (Gres("gpu", 1),))


@pytest.mark.parametrize("state", ["FAILED", "COMPLETED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY"])
def test_a_job_that_has_ended_holds_nothing(state: str) -> None:
    job = only(line(state=state))
    assert (job.allocated, job.nodes, job.started_at_s, job.ended_at_s) == (None, (), 200, 300)


def test_a_job_that_was_cancelled_while_it_waited_has_not_started() -> None:
    assert only(line(state="CANCELLED", nodes="")).started_at_s is None


def test_a_job_of_two_nodes_has_both_and_its_memory_is_the_total() -> None:
    job = only(line(tres="cpu=2,mem=1000M,node=2", nodes="n[1-2]"))
    assert job.nodes == ("n1", "n2")
    assert job.allocated == Resources(2, 1000 * MIB, ())
    assert job.per_node == ()


@pytest.mark.parametrize(
    ("gres", "expected"),
    [
        ("N/A|N/A|N/A|N/A", ()),
        ("gres:gpu:1|N/A|N/A|N/A", (Gres("gpu", 1),)),
        ("N/A|gres/gpu:h100:2|N/A|cpu=2", (Gres("gpu", 4, "h100"),)),
        ("N/A|N/A|gres:gpu:1|N/A", None),
        ("N/A|N/A|N/A|gres:gpu:1", None),
    ],
)
def test_gpus_that_accounting_leaves_out_are_those_of_the_request_or_not_known(
    gres: str, expected: tuple[Gres, ...] | None
) -> None:
    job = only(line(tres="cpu=2,mem=1M,node=2", gres=gres))
    assert job.allocated is not None
    assert job.allocated.gres == expected


def test_twenty_thousand_tasks_that_wait_are_one_record() -> None:
    job = only(line("8_[0-19999%50]", "PENDING", nodes=""))
    assert (job.id, job.array, job.tasks) == ("8", "8", 20_000)


def test_a_job_in_two_partitions_is_in_no_partition_of_that_name() -> None:
    job = only(line(state="PENDING", partition="batch,gpu", nodes=""))
    assert job.partitions == ("batch", "gpu")


@pytest.mark.parametrize("user", ["CORP\\alice", "4711", "анна", 'a"b', "alice smith"])
def test_any_name_of_a_user_is_whole(user: str) -> None:
    assert only(line(user=user)).user == user


def test_a_name_that_is_no_utf_8_costs_no_job() -> None:
    (job,) = read(line(user="XX").encode().replace(b"XX", b"\xff\xfe")).by_line.values()
    assert job.user == "\ufffd\ufffd"


@pytest.mark.parametrize("reason", ["a | b", "|", "7|", "(x|y)", "|7|"])
def test_a_reason_with_column_marks_is_whole(reason: str) -> None:
    assert only(line(reason=reason)).reason == reason


@pytest.mark.parametrize(
    ("constraint", "features"),
    [
        ("(null)", ()),
        ("N/A", ()),
        ("intel", ("intel",)),
        ("intel&ib", ("intel", "ib")),
        ("intel|amd", ("intel", "amd")),
        ("[rack1*2&rack2*4]", ("rack1", "rack2")),
        ("(knl|snc4)&ib&knl", ("knl", "snc4", "ib")),
        ("intel,ib", ("intel", "ib")),
        ("a=b.c-d:2", ("a=b.c-d:2",)),
        ("|&[*2", ()),
    ],
)
def test_the_features_of_a_job_are_those_that_its_constraint_names(
    constraint: str, features: tuple[str, ...]
) -> None:
    job = only(line(features=constraint, reason="a | b|7|c"))
    assert (job.features, job.reason) == (features, "a | b|7|c")


def test_a_line_without_the_name_before_the_reason_is_no_job() -> None:
    listed = read(line(features="a|b").replace("a|b|7|", "a|b|"))
    assert (listed.by_line, len(listed.unread)) == ({}, 1)


def test_an_unknown_state_is_passed_on() -> None:
    assert only(line(state="ENTANGLED")).state == "entangled"


def test_one_bad_line_hides_no_other_and_is_counted() -> None:
    listed = read(RUNNING + line(name="8").replace("|8|", "|9|") + line(state="", name="5"))
    assert list(listed.by_line.values()) == [ALICE]
    assert len(listed.unread) == 2


@pytest.mark.parametrize(
    "greeting", ["Loading modules... ", "\x1b]0;login1\x07", "Welcome | to | this\n", "1", "|"]
)
def test_a_greeting_costs_no_job_and_is_none(greeting: str) -> None:
    assert read(greeting + RUNNING + "logout | now\n") == ({**_by_line(greeting)}, (), True)


IMITATION = RUNNING.replace(MARK, "|")


@pytest.mark.parametrize("ends", ["\n", "", " "])
def test_a_greeting_that_has_every_column_of_a_job_is_none(ends: str) -> None:
    for greeting in (
        IMITATION,
        IMITATION.replace("alice", "mallory"),
        line("9").replace(MARK, "|"),
    ):
        assert read(greeting)[:2] == ({}, ())
        for output in (greeting.rstrip() + ends + RUNNING, RUNNING.rstrip() + ends + greeting):
            assert [job.user for job in read(output).by_line.values()] == ["alice"]


@given(st.text(), st.text())
def test_no_text_without_the_mark_around_jobs_is_one_or_is_counted(
    before: str, behind: str
) -> None:
    if MARK in before + behind:
        return
    listed = read(f"{before}\n{RUNNING}{behind}".encode("utf-8", "replace"))
    assert list(listed.by_line.values()) == [ALICE]
    assert listed.unread == ()


def _by_line(greeting: str) -> dict[bytes, Job]:
    return {(greeting + RUNNING).splitlines(keepends=True)[-1].encode(): ALICE}


@given(st.binary())
def test_any_output_is_jobs_that_a_relay_can_carry(output: bytes) -> None:
    listed = read(output)
    snapshot = SchedulerSnapshot({}, jobs=tuple(listed.by_line.values()))
    assert relay.decode(relay.encode(snapshot)) == snapshot
    assert all(line.isprintable() for line in listed.unread)


@given(st.tuples(*[st.text(st.characters(exclude_characters="|\n"), max_size=30)] * 14), st.text())
def test_any_columns_are_a_job_that_a_relay_can_carry(
    columns: tuple[str, ...], reason: str
) -> None:
    before, features = columns[:13], columns[13]
    own = ("7", features, "7", reason.replace("\n", " "), "7", "\n")
    text = f"7{MARK}" + "|".join(("RUNNING", *before, *own))
    (job,) = read(text.encode("utf-8", "replace")).by_line.values()
    snapshot = SchedulerSnapshot({}, jobs=(job,))
    assert relay.decode(relay.encode(snapshot)) == snapshot


def test_a_line_that_has_not_changed_is_the_same_record() -> None:
    first = read(RUNNING + line("8"))
    before = tuple(first.by_line.values())
    output = RUNNING * 2 + line("8", state="COMPLETING")
    after = tuple(parse_jobs(output.encode(), first.by_line).by_line.values())
    assert after[0] is before[0]
    assert [job.state for job in after] == ["running", "completing"]


def test_a_header_after_a_greeting_is_a_queue_without_a_job() -> None:
    for output in (HEADER, f"Welcome | all\n{HEADER}", f"no newline{HEADER}Bye\n"):
        assert read(output) == ListedJobs({}, (), is_squeues=True)
    assert read(HEADER + RUNNING).by_line == read(RUNNING).by_line


@pytest.mark.parametrize("output", ["", "\n", "Welcome\n", "<html>\n", "1|RUNNING|cpu=1|alice\n"])
def test_output_without_the_mark_is_not_squeues(output: str) -> None:
    assert read(output) == ListedJobs({}, (), is_squeues=False)
