"""Partitions of every version that was captured, in text and in JSON: one model."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.partitions import parse_json, parse_text
from rackwatt_exporter.schedulers.slurm.subject import Parsed

DATA = Path(__file__).parents[3] / "data"
MIB = 2**20

CAPTURED = (
    Queue("batch", "up", 4, Resources(32, 64_000 * MIB)),
    Queue("old", "inactive", 1, Resources(8, 16_000 * MIB)),
    Queue("short", "drain", 2, Resources(16, 32_000 * MIB), max_time_s=108_000, max_nodes=1),
)


@pytest.mark.parametrize(
    "capture",
    [
        "slurm-22.05/subjects/partitions.txt",
        *(
            f"slurm-{version}/subjects/partitions.{form}"
            for version in ("23.11", "24.11", "26.05")
            for form in ("txt", "json")
        ),
    ],
)
def test_partitions_of_a_capture_are_those_of_its_cluster(capture: str) -> None:
    parse = parse_json if capture.endswith(".json") else parse_text
    assert parse((DATA / capture).read_bytes()) == Parsed(CAPTURED)


def test_a_partition_of_the_first_versions_has_its_fields_in_no_objects() -> None:
    record = {
        "name": "gpu", "state": "DOWN", "total_cpus": 24, "total_nodes": 3, "max_time_limit": -1,
        "maximum_nodes_per_job": 2, "tres": "cpu=24,mem=48000M,node=3,gres/gpu=12,gres/gpu:h100=12",
    }  # fmt: skip
    total = Resources(24, 48_000 * MIB, (Gres("gpu", 12, "h100"),))
    queue = Queue("gpu", "down", 3, total, max_nodes=2)
    assert parse_json(msgspec.json.encode({"partitions": [record]})) == Parsed((queue,))


def test_a_state_that_no_release_had_is_passed_on() -> None:
    assert parse_text(b"PartitionName=p State=HALF-UP\n") == Parsed(
        (Queue("p", "half_up", total=Resources()),)
    )


@pytest.mark.parametrize(
    ("text", "max_time_s"),
    [("01:00:00", 3600), ("365-00:00:00", 31_536_000), ("UNLIMITED", None), ("NONE", None)],
)
def test_a_limit_of_time_is_in_seconds_and_none_where_there_is_none(
    text: str, max_time_s: int | None
) -> None:
    queue = Queue("p", "up", total=Resources(), max_time_s=max_time_s)
    printed = f"PartitionName=p State=UP MaxTime={text}\n".encode()
    assert parse_text(printed) == Parsed((queue,))


@pytest.mark.parametrize("output", [b"", b"Welcome\n", b"<html>log in</html>", b"{}", b"\xff{"])
def test_an_output_that_is_none_of_partitions_is_a_bad_reply(output: bytes) -> None:
    for parse in (parse_text, parse_json):
        with pytest.raises(ReadError) as caught:
            parse(output)
        assert caught.value.reason is Reason.BAD_REPLY


def test_a_partition_without_a_state_is_counted_and_hides_no_other() -> None:
    known = (Queue("p", "up", total=Resources()),)
    note = "1 partition could not be read"
    text = b"PartitionName=x TotalNodes=4\nPartitionName=p State=UP\n"
    assert parse_text(text) == Parsed(known, note)
    json = b'{"partitions": [{"name": "x"}, {"name": "p", "partition": {"state": ["UP"]}}]}'
    assert parse_json(json) == Parsed(known, note)


KEYS = ("name", "state", "partition", "nodes", "tres", "max_time_limit", "maximums", "total_cpus")
SCALARS = st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.none()
VALUES = SCALARS | st.dictionaries(
    st.sampled_from(["state", "total", "time", "nodes", "configured"]),
    SCALARS | st.lists(SCALARS),
)


@given(
    st.binary()
    | st.text().map(lambda text: f"PartitionName={text} State=UP MaxTime={text}".encode())
    | st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES)).map(
        lambda records: msgspec.json.encode({"partitions": records})
    )
)
def test_whatever_is_printed_is_partitions_that_the_relay_can_carry_or_a_bad_reply(
    output: bytes,
) -> None:
    for parse in (parse_text, parse_json):
        try:
            queues = parse(output).value
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            continue
        snapshot = SchedulerSnapshot({}, queues=queues)  # type: ignore[arg-type]
        assert relay.decode(relay.encode(snapshot)) == snapshot
