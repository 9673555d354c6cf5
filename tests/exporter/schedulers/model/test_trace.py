import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.trace import TraceReport, decode_report

# What prometheus-slurm-exporter's wrapper posts.
ORIGINAL = {
    "pid": 10, "cpus": 99.9, "threads": 3.0, "mem": 4096, "read_bytes": 0, "write_bytes": 12.0,
    "job_id": 26515966, "username": "alice", "hostname": "cs2",
}  # fmt: skip


def report(**fields: object) -> TraceReport:
    """Decode the original wrapper's report with other fields; None leaves one out."""
    message = {name: value for name, value in {**ORIGINAL, **fields}.items() if value is not None}
    return decode_report(json.dumps(message).encode())


def test_a_report_of_the_original_wrapper_is_read_whole() -> None:
    found = report()
    assert found.key == ("26515966", "", "cs2", "", 10)
    assert (found.username, found.cpus, found.threads, found.mem) == ("alice", 99.9, 3, 4096)
    assert (found.read_bytes, found.write_bytes) == (0, 12)
    assert (found.processes, found.gpus, found.node_joules) == (None, None, None)


def test_a_report_passes_over_fields_that_it_does_not_know() -> None:
    assert report(io_wait=3, nested={"a": [1]}) == report()


def test_a_report_names_a_task_of_an_array_a_step_and_a_rank() -> None:
    assert report(job_id="8_3", step="batch", rank=0).key == ("8_3", "batch", "cs2", "0", 10)


@pytest.mark.parametrize("name", ["CORP\\alice", "<script>alert(1)</script>", "", "ñandú"])
def test_a_report_keeps_the_name_of_any_user(name: str) -> None:
    assert report(username=name).username == name


def test_a_report_has_printable_names_alone() -> None:
    found = report(hostname="a\nb\x1b[2J", username="\u202ex", step="\x00")
    assert (found.hostname, found.username, found.step) == ("a b�[2J", "�x", "�")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"job_id": 0}, "job_id"),
        ({"job_id": ""}, "job_id"),
        ({"job_id": 1.5}, "job_id"),
        ({"job_id": True}, "job_id"),
        ({"job_id": "9" * 256}, "job_id"),
        ({"job_id": None}, "job_id"),
        ({"pid": 0}, "pid"),
        ({"pid": -1}, "pid"),
        ({"pid": "7"}, "pid"),
        ({"pid": None}, "pid"),
        ({"hostname": ""}, "hostname"),
        ({"hostname": None}, "hostname"),
        ({"username": 7}, "username"),
        ({"cpus": -1}, "cpus"),
        ({"cpus": "9"}, "cpus"),
        ({"mem": 1e300}, "mem"),
        ({"mem": float("inf")}, "JSON"),
        ({"mem": float("nan")}, "JSON"),
        ({"threads": -3}, "threads"),
        ({"rank": 1.5}, "rank"),
        ({"step": "x" * 256}, "step"),
    ],
)  # fmt: skip
def test_a_report_out_of_bounds_is_refused_with_the_field(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        report(**fields)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"<script>", b"\xff\xfe", b"[" * 4000, b"{}" * 2,
     b'{"pid": 1' + b"0" * 3000 + b"}", b'{"hostname": "\\ud800"}', b'{"hostname": "\xff"}'],
)  # fmt: skip
def test_junk_is_no_report(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_report(body)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_report_or_are_refused(body: bytes) -> None:
    try:
        found = decode_report(body)
    except ValueError as error:
        assert str(error).isprintable()
    else:
        assert found.key.job


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*ORIGINAL, "step", "rank", "cluster", "gpus"]), JSON))
def test_a_report_that_is_read_is_within_its_bounds(fields: dict[str, object]) -> None:
    try:
        found = report(**fields)
    except ValueError:
        return
    job, step, host, _, pid = found.key
    assert 0 < len(job) <= 255
    assert 0 < len(host) <= 255
    assert (job + step + host + found.username).isprintable()
    assert 1 <= pid <= 2**31
    numbers = (found.cpus, found.mem, found.read_bytes, found.write_bytes, found.threads)
    assert all(number is None or 0 <= number <= 2**60 for number in numbers)
