"""Limits of every version that was captured, in text and in JSON: the same cluster, one model."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.resources import Gres
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.limits import (
    LIMITS,
    parse_json,
    parse_manager,
    parse_text,
)
from rackwatt_exporter.schedulers.slurm.subject import Parsed

DATA = Path(__file__).parents[3] / "data"
MIB, GIB = 2**20, 2**30
VERSIONS = ("22.05", "23.11", "24.11", "26.05")
ANSWERS = (
    "slurm-22.05/associations_v0.0.38.json",
    "slurm-23.11/associations_v0.0.40.json",
    "slurm-24.11/associations_v0.0.42.json",
    "slurm-26.05/associations_v0.0.45.json",
)
# MaxJobs of plasma holds for its users and its subaccount, too.
OF_TOY = {
    Limit(
        "physics", parent="root", cpus=40, memory_bytes=40_000 * MIB, nodes=3,
        gres=(Gres("gpu", 4), Gres("gpu", 2, "h100")), running_jobs=50, submitted_jobs=500,
    ),
    Limit("physics", "nobody", cpus=16, running_jobs_per_user=3, submitted_jobs_per_user=30),
    Limit("plasma", parent="physics", memory_bytes=8 * GIB, running_jobs_per_user=7),
    Limit("plasma", "alice2", running_jobs_per_user=7),
    Limit("plasma", "corp\\alice", running_jobs_per_user=7),
    Limit("plasma", "nobody", "batch", running_jobs_per_user=7),
    Limit("plasma", "root", running_jobs_per_user=7),
    Limit("sub", parent="plasma", running_jobs_per_user=7),
    Limit("sub", "bin", running_jobs_per_user=7),
}  # fmt: skip
OF_OTHER = {Limit("physics", parent="root", cpus=8, running_jobs=5)}
ROOT = b"toy|root||||||||\ntoy|root|root|||||||\n"


def lines(capture: str, cluster: str) -> bytes:
    """Return what sacctmgr prints of one cluster."""
    whole = (DATA / capture).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in whole if line.startswith(f"{cluster}|".encode()))


def answer(capture: str, cluster: str) -> bytes:
    """Return what slurmrestd answers of one cluster."""
    whole = msgspec.json.decode((DATA / capture).read_bytes())
    mine = [one for one in whole["associations"] if one["cluster"] == cluster]
    return msgspec.json.encode(whole | {"associations": mine})


@pytest.mark.parametrize(("cluster", "limits"), [("toy", OF_TOY), ("other", OF_OTHER)])
def test_limits_of_each_cluster_are_the_same_in_every_version_in_text_and_json(
    cluster: str, limits: set[Limit]
) -> None:
    printed = [parse_text(lines(f"slurm-{one}/associations.txt", cluster)) for one in VERSIONS]
    for value, note in (*printed, *(parse_json(answer(one, cluster)) for one in ANSWERS)):
        assert isinstance(value, tuple)
        assert len(value) == len(limits)
        assert set(value) == limits
        assert note == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_limits_that_slurmctld_enforces_are_those_of_slurmdbd(version: str) -> None:
    output = (DATA / f"slurm-{version}/association_manager.txt").read_bytes()
    value, note = parse_manager(output)
    assert isinstance(value, tuple)
    assert set(value) == OF_TOY
    assert note == ""


@pytest.mark.parametrize(
    ("parse", "capture"),
    [(parse_text, "slurm-22.05/associations.txt"), *((parse_json, one) for one in ANSWERS)],
)
def test_associations_of_two_clusters_are_those_of_neither(
    parse: Callable[[bytes], Parsed], capture: str
) -> None:
    """The account physics is in both: its limits would be another cluster's."""
    with pytest.raises(ReadError, match=r"lists 2 clusters \(other, toy\): slurm.cluster") as error:
        parse((DATA / capture).read_bytes())
    assert error.value.reason is Reason.BAD_REPLY


def test_a_list_of_one_user_alone_is_what_private_data_leaves() -> None:
    with pytest.raises(ReadError, match="lists one user at most: PrivateData hides the others"):
        parse_text(b"toy|root||||||||\ntoy|sub|||root|cpu=1||||\ntoy|sub|bin|||||||\n")
    whole = (DATA / "slurm-22.05/association_manager.txt").read_bytes()
    with pytest.raises(ReadError, match="lists one user at most: PrivateData hides the others"):
        parse_manager(re.sub(rb"UserName=\S+", b"UserName=bin(2)", whole))


def test_what_is_listed_twice_with_two_limits_has_neither() -> None:
    twice = b"toy|a|||root|cpu=1||||\n"
    other = b"toy|a|||root|cpu=2||||\n"
    assert parse_text(ROOT + twice + twice) == Parsed((Limit("a", parent="root", cpus=1),))
    assert parse_text(ROOT + twice + other) == Parsed((), "1 association could not be read")


def test_accounts_without_a_limit_are_no_unknown_limits() -> None:
    assert parse_text(ROOT) == Parsed(())


def test_a_slurm_without_accounting_is_named() -> None:
    printed = b"Current Association Manager state\n\nNo associations currently cached in Slurm.\n\n"
    answered = b'{"associations": []}'
    for parse, output in ((parse_manager, printed), (parse_text, b""), (parse_json, answered)):
        with pytest.raises(ReadError, match="does Slurm use slurmdbd"):
            parse(output)


@pytest.mark.parametrize(
    "row",
    [
        "toy|a|||root|cpu=many|1|||",
        "toy|a|||root|mem|1|||,",
        "toy|a|||root||ten|||",
        "toy|a|||root||-1|||",
        "toy||bin||||1|||",
        "toy|a|b|c|||||||||",
    ],
)
def test_one_association_that_cannot_be_read_is_counted_and_hides_no_other(row: str) -> None:
    output = ROOT + row.encode() + b"\ntoy|b|||root|cpu=1||||\n"
    if row.endswith("mem|1|||,"):  # no amount, and another column behind
        row = row.removesuffix(",")
    value, note = parse_text(output)
    assert value == (Limit("b", parent="root", cpus=1),)
    assert note == "1 association could not be read"


def test_what_a_login_shell_prints_around_the_rows_is_passed_over() -> None:
    output = b"Welcome to n1\n" + ROOT + b"toy|b|||root|cpu=1||||\nbye\n"
    assert parse_text(output) == Parsed((Limit("b", parent="root", cpus=1),))


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"account": "a", "cluster": "toy"},
        {"account": "a", "cluster": "toy", "max": {"jobs": {}, "tres": {"total": None}}},
        {"account": "a", "cluster": "toy", "max": {"jobs": {}, "tres": {"total": [{"type": ""}]}}},
        {"account": 7, "cluster": "toy", "max": {"jobs": {}, "tres": {"total": []}}},
        None,
    ],
)
def test_one_record_that_cannot_be_read_is_counted_and_hides_no_other(record: Any) -> None:
    whole = msgspec.json.decode(answer(ANSWERS[2], "toy"))
    whole["associations"].insert(3, record)
    value, note = parse_json(msgspec.json.encode(whole))
    assert isinstance(value, tuple)
    assert set(value) == OF_TOY
    assert note == "1 association could not be read"


@pytest.mark.parametrize("unset", [None, {"set": False, "infinite": True, "number": 0},
    {"set": True, "infinite": True, "number": 0}, 2**32 - 2, 2**32 - 1])  # fmt: skip
def test_a_count_that_is_not_set_or_infinite_is_no_limit(unset: Any) -> None:
    whole = msgspec.json.decode(answer(ANSWERS[2], "other"))
    for one in whole["associations"]:
        one["max"]["jobs"]["per"]["count"] = unset
    assert parse_json(msgspec.json.encode(whole)).value == (
        Limit("physics", parent="root", cpus=8),
    )


def test_a_limit_of_zero_is_a_limit() -> None:
    zero = ROOT + b"toy|closed|||root|cpu=0,gres/gpu=0|0|0||\n"
    closed = Limit(
        "closed", parent="root", cpus=0, gres=(Gres("gpu", 0),), running_jobs=0, submitted_jobs=0
    )
    assert parse_text(zero) == Parsed((closed,))


def test_an_error_of_slurmrestd_is_no_list_of_limits() -> None:
    body = b'{"errors": [{"error": "Unable to connect to database"}], "associations": []}'
    with pytest.raises(ReadError, match="Unable to connect to database"):
        parse_json(body)


def test_slurmdbd_is_queried_for_the_cluster_and_slurmctld_has_one() -> None:
    sacctmgr, scontrol = LIMITS.forms
    assert "cluster=alpha" in sacctmgr.command("alpha")
    assert not [word for word in sacctmgr.command(None) if word.startswith("cluster=")]
    assert scontrol.command("alpha")[:3] == ("scontrol", "-M", "alpha")
    assert LIMITS.by_cluster


NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9) | st.none()
CELLS = st.text(max_size=9) | st.sampled_from(
    ["toy", "root", "cpu=1", "7", "gres/gpu:a=2", "mem=1.5T"]
)


@given(
    st.binary()
    | st.lists(st.lists(CELLS, min_size=9, max_size=11).map("|".join)).map(
        lambda rows: ROOT + "\n".join(rows).encode()
    )
    | st.lists(
        st.dictionaries(st.sampled_from(["ClusterName", "Account", "UserName", "GrpTRES"]), CELLS)
    ).map(lambda all: "\n".join(
        " ".join(f"{key}={value}" for key, value in one.items()) for one in all
    ).encode())
    | st.lists(NUMBERS).map(
        lambda numbers: msgspec.json.encode({"associations": [
            {"cluster": "toy", "account": "a", "user": user, "max": {
                "jobs": {"active": number}, "tres": {"total": [{"type": "mem", "count": number}]}}}
            for number in numbers for user in ("a", "b")
        ]})
    )
)  # fmt: skip
def test_whatever_is_printed_is_limits_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_manager, parse_json):
        try:
            limits = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, limits=limits)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
