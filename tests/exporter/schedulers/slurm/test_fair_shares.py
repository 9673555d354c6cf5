"""Fair shares of every version that was captured, in text and in JSON: one model."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.fair_shares import parse_json, parse_text

DATA = Path(__file__).parents[3] / "data"
ROOT = "toy|root||||0.000000|0||1.000000||\ntoy| root|root||1|0.5|0|0|0|1|inf\n"


def shares(capture: str) -> dict[tuple[str, str], FairShare]:
    output = (DATA / capture).read_bytes()
    value, note = (parse_json if capture.endswith(".json") else parse_text)(output)
    assert isinstance(value, tuple)
    assert note == ""
    return {(one.account, one.user): one for one in value}


def text(*rows: str) -> tuple[tuple[FairShare, ...], str]:
    value, note = parse_text((ROOT + "\n".join(rows)).encode())
    assert isinstance(value, tuple)
    return value[2:], note


@pytest.mark.parametrize(
    ("printed", "answers"),
    [
        ("slurm-23.11/shares.txt", ("slurm-23.11/shares_v0.0.40.json",)),
        ("slurm-24.11/shares.txt", ("slurm-24.11/shares_v0.0.42.json",)),
        ("slurm-26.05/shares.txt", ("slurm-26.05/shares_v0.0.45.json",)),
    ],
)  # fmt: skip
def test_fair_shares_are_the_same_in_text_and_in_json_of_each_version(
    printed: str, answers: tuple[str, ...]
) -> None:
    """Of an infinite level Slurm 23.11 answers what is no JSON, and 26.05 a number."""
    expected = shares(printed)
    for answer in answers:
        found = shares(answer)
        assert found.keys() == expected.keys()
        for key, one in found.items():
            assert msgspec.structs.astuple(one) == pytest.approx(
                msgspec.structs.astuple(expected[key]), abs=1e-6
            )


def test_an_account_has_a_level_and_no_factor_and_a_user_has_both() -> None:
    found = shares("slurm-22.05/shares.txt")
    assert found["physics", ""] == FairShare(
        "physics", parent="root", shares=10, shares_ratio=0.909091, usage_s=43, usage_ratio=1.0,
        level=0.909091,
    )  # fmt: skip
    assert found["physics", "nobody"] == FairShare(
        "physics", "nobody", shares=5, shares_ratio=0.142857, usage_s=21, usage_ratio=0.5,
        factor=0.142857, level=0.285714,
    )  # fmt: skip


def test_an_account_is_below_the_one_that_it_is_indented_below() -> None:
    found = shares("slurm-22.05/shares.txt")
    accounts = {account: one.parent for (account, user), one in found.items() if not user}
    assert accounts == {"root": "", "physics": "root", "plasma": "physics", "sub": "plasma"}
    assert {one.parent for (_, user), one in found.items() if user} == {""}


def test_a_partition_and_a_user_without_a_uid_are_as_slurm_lists_them() -> None:
    found = shares("slurm-22.05/shares.txt")
    assert found["plasma", "nobody"].partition == "batch"
    assert found["plasma", "corp\\alice"].level == "inf"
    assert found.keys() == shares("slurm-22.05/shares_not_computed.txt").keys()


def test_an_account_with_its_parents_shares_has_none_of_its_own() -> None:
    for capture in ("slurm-22.05/shares.txt", "slurm-24.11/shares_v0.0.42.json"):
        assert shares(capture)["sub", ""].shares is None


def test_zeros_that_were_not_computed_yet_are_no_shares_of_zero() -> None:
    found = shares("slurm-22.05/shares_not_computed.txt")
    for key in (("physics", ""), ("physics", "nobody"), ("sub", "bin")):
        one = found[key]
        assert (one.usage_ratio, one.factor, one.level) == (None, None, None)
        assert one.shares_ratio is not None
    assert found["root", "root"].factor == 1


def test_a_slurm_whose_priorities_count_no_shares_has_their_number_alone() -> None:
    """Slurm 22.05 with priority/basic."""
    found, note = text("toy| a|||1||0||0.000000||", "toy|  a|bin||1||0||0.000000|0.000000|0.000000")
    assert found == (
        FairShare("a", parent="root", shares=1, usage_s=0),
        FairShare("a", "bin", shares=1, usage_s=0),
    )
    assert note == ""


def test_an_account_has_a_factor_and_no_level_where_slurm_computes_it_so() -> None:
    """Slurm 22.05 with PriorityFlags=NO_FAIR_TREE."""
    (one,), _ = text("toy| a|||10|0.909091|0|0.000000|0.000000|1.000000|0.000000")
    assert (one.factor, one.level) == (1, None)


def test_a_level_of_who_has_no_share_is_zero() -> None:
    (one,), _ = text("toy| a|bin||0|0.000000|9|0.5|0.5|0.000000|0.000000")
    assert (one.shares, one.factor, one.level) == (0, 0, 0)


@pytest.mark.parametrize("unknown", ["", "nan", "-nan"])
def test_a_number_that_is_none_is_not_known(unknown: str) -> None:
    (one,), note = text(f"toy| a|bin||1|{unknown}|{unknown}|0.5|0.5|0.7|{unknown}")
    assert one == FairShare("a", "bin", shares=1, usage_ratio=0.5, factor=0.7)
    assert note == ""


@pytest.mark.parametrize(
    "row",
    [
        "toy| a|bin||1|0.5|0|0.5|0.5|low|1",
        "toy| a|bin||many|0.5|0|0.5|0.5|0.5|1",
        "toy| a|bin||1|0.5|0|0.5|-0.5|0.5|1",
        "toy||bin||1|0.5|0|0.5|0.5|0.5|1",
        "toy| a|bin|1|0.5|0|0.5|0.5|0.5|1",
    ],
)
def test_one_association_that_cannot_be_read_is_counted_and_hides_no_other(row: str) -> None:
    found, note = text(row, "toy| b|bin||1|0.5|0|0.5|0.5|0.5|1")
    assert [one.account for one in found] == ["b"]
    assert note == "1 association could not be read"


def test_an_account_below_one_that_cannot_be_read_has_no_parent_rather_than_another() -> None:
    found, _ = text(
        "toy| a|||1|1|0|0|0||1", "toy| b||1|1|0|0|0||1", "toy|  c|||1|1|0|0|0||1",
        "toy| d|||1|1|0|0|0||1",
    )  # fmt: skip
    assert {one.account: one.parent for one in found} == {"a": "root", "c": "", "d": ""}


def test_a_list_of_one_user_alone_is_what_private_data_leaves() -> None:
    with pytest.raises(
        ReadError, match="lists one user at most: PrivateData hides the others"
    ) as caught:
        parse_text(b"toy|sub|bin||1|1|0|0|0|1|1\n")
    assert caught.value.reason is Reason.BAD_REPLY


def test_no_association_at_all_is_a_slurm_without_accounting() -> None:
    """Slurm 24.11 without slurmdbd answers an empty list."""
    for parse, output in ((parse_text, b""), (parse_json, b'{"shares": {"shares": []}}')):
        with pytest.raises(ReadError, match="does Slurm use slurmdbd"):
            parse(output)


def test_what_is_printed_before_the_rows_is_passed_over() -> None:
    value, note = parse_text(b"Welcome\nCLUSTER: toy\n" + ROOT.encode())
    assert isinstance(value, tuple)
    assert len(value) == 2
    assert note == ""


@pytest.mark.parametrize(
    "record", [7, {}, {"name": "a", "type": "USER"}, {"name": "", "type": [], "fairshare": {}}]
)
def test_one_record_that_cannot_be_read_is_counted_and_hides_no_other(record: Any) -> None:
    whole = msgspec.json.decode((DATA / "slurm-24.11/shares_v0.0.42.json").read_bytes())
    whole["shares"]["shares"].insert(3, record)
    value, note = parse_json(msgspec.json.encode(whole))
    assert isinstance(value, tuple)
    assert len(value) == 11
    assert note == "1 association could not be read"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"shares": null}', b'{"shares": {}}', b"<html>"])
def test_an_answer_without_shares_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        parse_json(body)
    assert caught.value.reason is Reason.BAD_REPLY


CELLS = st.text(max_size=9) | st.sampled_from(["toy", "root", " a", "1", "0.5", "inf", "1e300"])
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9) | st.none()


@given(
    st.binary()
    | st.lists(st.lists(CELLS, min_size=10, max_size=12).map("|".join)).map(
        lambda rows: (ROOT + "\n".join(rows)).encode()
    )
    | st.lists(NUMBERS | st.builds(
        lambda given, infinite, number: {"set": given, "infinite": infinite, "number": number},
        st.booleans(), st.booleans(), NUMBERS,
    )).map(lambda numbers: msgspec.json.encode({"shares": {"shares": [
        {"cluster": "toy", "name": name, "parent": "a", "type": ["USER"], "shares": number,
         "usage_normalized": 1, "usage": number, "fairshare": {"factor": number, "level": number}}
        for number in numbers for name in ("a", "b")
    ]}}))
)  # fmt: skip
def test_whatever_is_printed_is_shares_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            fair_shares = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, fairshare=fair_shares)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
