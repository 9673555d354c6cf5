"""Limits of QOS, in text and in JSON: the same QOS, one model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.resources import Gres
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.qos_limits import QOS_LIMITS, parse_json, parse_text
from rackwatt_exporter.schedulers.slurm.subject import Parsed

DATA = Path(__file__).parents[3] / "data"
OF_JOBS = QosLimit("normal", "qos", cpus=10, running_jobs=20, submitted_jobs=100)
CAPTURED = (
    QosLimit("gold", "qos", nodes=2),
    QosLimit("normal", "account", cpus=6, running_jobs=7, submitted_jobs=30),
    OF_JOBS,
    QosLimit(
        "normal", "user", cpus=4, gres=(Gres("gpu", 2),), running_jobs=3, submitted_jobs=10
    ),
)  # fmt: skip


def test_limits_of_a_qos_are_those_of_all_its_jobs_of_each_user_and_of_each_account() -> None:
    assert parse_text((DATA / "slurm-22.05/qos.txt").read_bytes()) == Parsed(CAPTURED)


def test_limits_by_slurmrestd_of_22_05_are_the_same_but_for_the_jobs_that_a_qos_may_submit() -> (
    None
):
    """Slurm 22.05 answers no GrpSubmitJobs."""
    older = tuple(
        msgspec.structs.replace(one, submitted_jobs=None) if one == OF_JOBS else one
        for one in CAPTURED
    )
    assert parse_json((DATA / "slurm-22.05/qos_v0.0.38.json").read_bytes()) == Parsed(older)


def newer() -> Any:
    return msgspec.json.decode((DATA / "slurm-24.11/qos_v0.0.42.json").read_bytes())


def test_limits_of_newer_versions_are_wrapped_numbers() -> None:
    whole = newer()
    assert parse_json(msgspec.json.encode(whole)) == Parsed(())
    limits = whole["qos"][0]["limits"]["max"]

    def wrapped(number: int) -> dict[str, Any]:
        return {"set": True, "infinite": False, "number": number}

    limits["active_jobs"]["count"], limits["jobs"]["count"] = wrapped(20), wrapped(100)
    limits["jobs"]["active_jobs"]["per"]["user"] = wrapped(3)
    limits["jobs"]["per"] = {"user": wrapped(10), "account": wrapped(30)}
    limits["tres"]["total"] = [{"type": "cpu", "name": "", "id": 1, "count": 10}]
    limits["tres"]["per"]["account"] = [{"type": "mem", "name": "", "id": 2, "count": 5}]
    assert parse_json(msgspec.json.encode(whole)).value == (
        QosLimit("normal", "account", memory_bytes=5 * 2**20, submitted_jobs=30),
        OF_JOBS,
        QosLimit("normal", "user", running_jobs=3, submitted_jobs=10),
    )


def test_an_answer_that_has_no_place_for_running_jobs_of_users_is_not_guessed_at() -> None:
    """Versions before v0.0.38 have them in the place of the jobs that are submitted."""
    whole = newer()
    del whole["qos"][0]["limits"]["max"]["jobs"]["active_jobs"]
    with pytest.raises(ReadError, match="not what Slurm reports by /qos"):
        parse_json(msgspec.json.encode(whole))


@pytest.mark.parametrize("row", ["bad|cpu=many||||||||", "bad||x|||||||", "|cpu=1||||||||", "bad|"])
def test_one_qos_that_cannot_be_read_is_counted_and_hides_no_other(row: str) -> None:
    output = f"normal|cpu=1||||||||\n{row}\n".encode()
    assert parse_text(output) == Parsed(
        (QosLimit("normal", "qos", cpus=1),), "1 QOS could not be read"
    )


def test_a_qos_that_is_listed_twice_with_two_limits_has_neither() -> None:
    output = b"a|cpu=1||||||||\na|cpu=2||||||||\nb|cpu=3||||||||\nb|cpu=3||||||||\n"
    assert parse_text(output) == Parsed((QosLimit("b", "qos", cpus=3),), "1 QOS could not be read")


def test_a_limit_of_zero_is_a_limit_and_a_qos_without_one_has_none() -> None:
    assert parse_text(b"free|||||||||\nclosed||0|||||||\n") == Parsed(
        (QosLimit("closed", "qos", running_jobs=0),)
    )


@pytest.mark.parametrize("parse", [parse_text, parse_json])
def test_an_output_without_a_qos_is_no_list_of_none(parse: Callable[[bytes], Parsed]) -> None:
    for output in (b"", b"Welcome\n", b'{"qos": []}', b"{}"):
        with pytest.raises(ReadError) as caught:
            parse(output)
        assert caught.value.reason is Reason.BAD_REPLY


def test_sacctmgr_lists_qos_of_all_clusters_whichever_is_named() -> None:
    (form,) = QOS_LIMITS.forms
    assert form.command("alpha") == form.command(None)
    assert form.command(None)[:3] == ("sacctmgr", "show", "qos")


CELLS = st.text(max_size=9) | st.sampled_from(["cpu=1", "7", "gres/gpu:a=2", "mem=1.5T", "normal"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9) | st.none()


@given(
    st.binary()
    | st.lists(st.lists(CELLS, min_size=9, max_size=11).map("|".join)).map(
        lambda rows: "\n".join(rows).encode()
    )
    | st.lists(st.tuples(st.text(max_size=5), NUMBERS)).map(
        lambda named: msgspec.json.encode({"qos": [
            {"name": name, "limits": {"max": {
                "tres": {"total": [{"type": "mem", "count": number}],
                         "per": {"user": [], "account": []}},
                "jobs": {"active_jobs": {"per": {"user": number}}, "count": number}}}}
            for name, number in named
        ]})
    )
)  # fmt: skip
def test_whatever_is_printed_is_limits_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            limits = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, qos_limits=limits)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
