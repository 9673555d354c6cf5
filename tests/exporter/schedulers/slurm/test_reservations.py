"""Reservations of every version that was captured, in text and in JSON: one model."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.reservations import doubt, parse_json, parse_text
from rackwatt_exporter.schedulers.slurm.subject import Parsed

DATA = Path(__file__).parents[3] / "data"
NODES = SchedulerSnapshot({"n1": SchedulerNode("reserved", "idle", ("reserved",))})


def captured(started_at_s: int, last_at_s: int) -> tuple[Reservation, ...]:
    """Return the reservations of the captured cluster, by when the first and the last was made."""
    hour_s = 3600
    return (
        Reservation(
            "core", True, started_at_s, started_at_s + hour_s, ("n3",), 1, 2,
            accounts=("phys",), partition="batch", flags=("ignore_jobs", "spec_nodes"),
        ),
        Reservation(
            "later", False, started_at_s + 2 * hour_s, started_at_s + 3 * hour_s, ("n3",), 1, 8,
            users=("root",), partition="batch", flags=("daily",),
        ),
        Reservation(
            "lic", True, last_at_s, last_at_s + hour_s, (), 0, 0,
            users=("root",), flags=("any_nodes",),
        ),
        Reservation(
            "maint", True, started_at_s, started_at_s + 10 * hour_s, ("n2",), 1, 8,
            users=("root", "daemon"), flags=("maint", "ignore_jobs", "spec_nodes"),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "started_at_s", "last_at_s"),
    [
        ("22.05", 1796053541, 1796053541),
        ("23.11", 1796053522, 1796053523),
        ("24.11", 1796052873, 1796052873),
        ("26.05", 1796052884, 1796052884),
    ],
)
def test_reservations_of_a_capture_are_those_of_its_cluster(
    version: str, started_at_s: int, last_at_s: int
) -> None:
    folder = DATA / f"slurm-{version}" / "subjects"
    expected = Parsed(captured(started_at_s, last_at_s))
    assert parse_text((folder / "reservations.txt").read_bytes()) == expected
    if version != "22.05":  # its scontrol has no JSON
        json = (folder / "reservations.json").read_bytes()
        assert parse_json(json, last_at_s + 4) == expected


@pytest.mark.parametrize(("now_s", "active"), [(99, False), (100, True), (200, True), (201, False)])
def test_a_reservation_in_json_is_active_between_its_start_and_its_end(
    now_s: int, active: bool
) -> None:
    json = b'{"reservations": [{"name": "r", "start_time": 100, "end_time": 200}]}'
    assert parse_json(json, now_s) == Parsed((Reservation("r", active, 100, 200),))


def test_a_reservation_without_its_times_is_not_known_to_be_active() -> None:
    json = b'{"reservations": [{"name": "r", "start_time": {"set": false, "number": 0}}]}'
    assert parse_json(json, 100) == Parsed((Reservation("r"),))
    assert parse_text(b"ReservationName=r StartTime=N/A\n") == Parsed((Reservation("r"),))


def test_the_value_of_a_flag_is_no_part_of_it() -> None:
    expected = Reservation("r", flags=("spec_nodes", "purge_comp"))
    text = b"ReservationName=r Flags=SPEC_NODES,PURGE_COMP=00:05:00\n"
    assert parse_text(text) == Parsed((expected,))


def test_no_reservation_is_not_unknown() -> None:
    assert parse_text(b"No reservations in the system\n") == Parsed(())
    assert parse_json(b'{"reservations": []}') == Parsed(())


def test_no_reservation_beside_nodes_that_are_reserved_is_in_doubt() -> None:
    assert "PrivateData" in doubt((), NODES)
    assert doubt((Reservation("r"),), NODES) == ""
    assert doubt((), SchedulerSnapshot({"n1": SchedulerNode("idle")})) == ""


@pytest.mark.parametrize("output", [b"", b"Welcome\n", b"<html>log in</html>", b"{}", b"\xff{"])
def test_an_output_that_is_none_of_reservations_is_a_bad_reply(output: bytes) -> None:
    for parse in (parse_text, parse_json):
        with pytest.raises(ReadError) as caught:
            parse(output)
        assert caught.value.reason is Reason.BAD_REPLY


def test_one_reservation_that_cannot_be_read_is_counted_and_hides_no_other() -> None:
    known = (Reservation("r"),)
    note = "1 reservation could not be read"
    assert parse_text(b"ReservationName=\nReservationName=r\n") == Parsed(known, note)
    assert parse_json(b'{"reservations": [{"name": 7}, {"name": "r"}]}') == Parsed(known, note)


KEYS = ("name", "start_time", "end_time", "node_list", "users", "flags", "core_count")
VALUES = (
    st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.none() | st.lists(st.text())
    | st.sampled_from(["n[1-3]", "n[1-99999999]", "n[3"])
)  # fmt: skip


@given(
    st.binary()
    | st.text().map(lambda text: f"ReservationName={text}\nReservationName=r Nodes={text}".encode())
    | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES)).map(
        lambda records: msgspec.json.encode({"reservations": records})
    )
)
def test_whatever_is_printed_is_reservations_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            reservations = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, reservations=reservations)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
