"""Licences of every version that was captured, in text and in JSON: the same cluster, one model."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.licenses import parse_json, parse_text
from rackwatt_exporter.schedulers.slurm.subject import Parsed

TEXT_VERSIONS = ("22.05", "23.11", "24.11", "26.05")  # the first has no JSON
CAPTURED = (License("ansys", 2, 2, 0, 0), License("matlab", 10, 3, 7, 2))
DATA = Path(__file__).parents[3] / "data"

FREE = (License("ansys", 4, 0, 4, 0), License("matlab", 10, 0, 10, 0))
USED = (License("ansys", 4, 0, 4, 0), License("matlab", 10, 3, 7, 0))


@pytest.mark.parametrize(
    ("capture", "licenses"),
    [
        ("slurm-22.05/licenses.txt", FREE),
        ("slurm-22.05/licenses_o.txt", USED),
        ("slurm-22.05/licenses_v0.0.38.json", FREE),
        ("slurm-24.11/licenses.txt", FREE),
        ("slurm-24.11/licenses_v0.0.40.json", FREE),
        ("slurm-24.11/licenses_v0.0.41.json", FREE),
        ("slurm-24.11/licenses_v0.0.42.json", FREE),
        ("slurm-24.11/licenses_rest_v0.0.42.json", USED),
        *((f"slurm-{version}/subjects/licenses.txt", CAPTURED) for version in TEXT_VERSIONS),
        *((f"slurm-{version}/subjects/licenses.json", CAPTURED) for version in TEXT_VERSIONS[1:]),
    ],
)
def test_licences_of_a_capture_are_those_of_its_cluster(
    capture: str, licenses: tuple[License, ...]
) -> None:
    parse = parse_json if capture.endswith(".json") else parse_text
    assert parse((DATA / capture).read_bytes()) == Parsed(licenses)


def test_a_remote_licence_has_what_its_server_reported_last_in_text_and_in_json() -> None:
    text = (
        b"LicenseName=a@b Total=5 Used=5 Free=0 Reserved=2 Remote=yes LastConsumed=7 "
        b"LastDeficit=2 LastUpdate=2026-11-21T00:00:00\n"
    )
    record = {
        "LicenseName": "a@b", "Total": 5, "Used": 5, "Free": 0, "Remote": True, "Reserved": 2,
        "LastConsumed": {"set": True, "infinite": False, "number": 7}, "LastDeficit": 2,
    }  # fmt: skip
    json = msgspec.json.encode({"licenses": [record]})
    remote = License("a@b", 5, 5, 0, 2, remote=True, last_consumed=7, last_deficit=2)
    assert parse_text(text) == parse_json(json) == Parsed((remote,))


def test_no_licence_is_not_unknown() -> None:
    assert parse_text(b"No licenses configured in Slurm.\n") == Parsed(())
    assert parse_json(b'{"licenses": [], "errors": []}') == Parsed(())


@pytest.mark.parametrize(
    "output", [b"", b"Welcome\n", b"<html>login</html>", b"{}", b'{"licenses": 1}', b"\xff{"]
)
def test_an_output_that_is_none_of_licences_is_a_bad_reply_in_text_and_in_json(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        with pytest.raises(ReadError) as caught:
            parse(output)
        assert caught.value.reason is Reason.BAD_REPLY


def test_pools_of_one_licence_are_one_each_and_a_second_record_of_one_is_not_read() -> None:
    records = [
        {"LicenseName": "fs", "Total": total, "Nodes": nodes}
        for total, nodes in ((5, "n[1-2]"), (7, "n[3-4]"), (7, "n[3-4]"), (8, "n[3-4]"))
    ]
    assert parse_json(msgspec.json.encode({"licenses": records})) == Parsed(
        (License("fs", 5, nodes="n[1-2]"), License("fs", 7, nodes="n[3-4]")),
        "1 licence could not be read",
    )


def test_an_error_in_json_is_no_list_of_licences() -> None:
    with pytest.raises(ReadError, match="Invalid user id"):
        parse_json(b'{"licenses": [], "errors": [{"error": "Invalid user id"}]}')


def test_a_greeting_before_and_words_behind_licences_are_passed_over() -> None:
    (text, json) = (
        (DATA / "slurm-24.11" / name).read_bytes()
        for name in ("licenses.txt", "licenses_v0.0.42.json")
    )
    assert parse_text(b"Welcome, LicenseName of {n1}: " + text + b"bye\n") == Parsed(FREE)
    assert parse_json(b"Welcome to {n1}\n" + json + b"\nbye {1\n") == Parsed(FREE)


def test_one_licence_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    note = "1 licence could not be read"
    text = b"LicenseName= Total=1 Used=0\nLicenseName=x Total=many Used=0 Free=1\n"
    assert parse_text(text) == Parsed((License("x", None, 0, 1),), note)
    json = b'{"licenses": [7, {"LicenseName": "x", "Total": null, "Used": 0, "Free": 1}]}'
    assert parse_json(json) == Parsed((License("x", None, 0, 1),), note)


NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.none()


@given(
    st.binary()
    | st.text().map(lambda text: f"LicenseName={text}\nLicenseName=x Total={text}".encode())
    | st.lists(
        st.dictionaries(st.sampled_from(["LicenseName", "Total", "Free", "Remote"]), NUMBERS)
    ).map(lambda records: msgspec.json.encode({"licenses": records}))
)
def test_whatever_is_printed_is_licences_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            licenses = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, licenses=licenses)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
