"""Arrays of records in chunks: any JSON is divided into what it is as a whole."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.slurm import record_stream
from rackwatt_exporter.schedulers.slurm.record_stream import RecordStream, RecordStreamError

DATA = Path(__file__).parents[3] / "data"
RECORDS = msgspec.json.Decoder(list[Any])
TEXTS = st.text(st.sampled_from('ab"\\{}[],: \n\u00e9'), max_size=12)
INNER = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"account": inner}), max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=6,
)
JOBS = st.lists(st.fixed_dictionaries({"account": INNER, "more": INNER}) | INNER, max_size=12)
FORMS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"separators": (",", ":")}, {"indent": 2}, {"indent": "\t", "separators": (" ,", " : ")}]
)


def divided(text: bytes, cuts: list[int], block_bytes: int) -> tuple[list[Any], Any]:
    """Feed a text in chunks; return the records that came, and what is left as a whole."""
    stream = RecordStream("jobs", RECORDS, block_bytes)
    records = []
    for begin, end in pairwise([0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]):
        if stream.feed(text[begin:end]):
            records += stream.divide()
    return records, json.loads(stream.rest)


@given(
    JOBS, INNER, st.booleans(), FORMS, st.lists(st.integers(0, 10_000), max_size=8),
    st.integers(1, 200),
)  # fmt: skip
def test_a_record_stream_returns_every_record_once_and_in_order(
    jobs: list[Any], other: Any, last: bool, form: dict[str, Any], cuts: list[int], block: int
) -> None:
    answer = {"other": other, "jobs": jobs} if last else {"jobs": jobs, "other": other}
    records, rest = divided(json.dumps(answer, **form).encode(), cuts, block)
    assert records + rest["jobs"] == jobs
    assert rest["other"] == other


def test_a_record_stream_divides_what_the_captures_hold() -> None:
    for path in DATA.glob("slurm-*/jobs_v*.json"):
        text = path.read_bytes()
        jobs = json.loads(text)["jobs"]
        cuts = list(range(0, len(text), 1000))
        records, rest = divided(text, cuts, 20_000)
        assert records + rest["jobs"] == jobs
        assert len(rest["jobs"]) < len(jobs) / 2, path


def test_a_record_stream_leaves_an_inner_array_of_the_same_name_in_the_rest() -> None:
    answer = {"meta": {"jobs": [{"a": 1}, {"a": 2}]}, "jobs": [{"a": n} for n in range(9)]}
    records, rest = divided(json.dumps(answer).encode(), [*range(0, 300, 10)], 40)
    assert rest["meta"] == answer["meta"]
    assert records
    assert records + rest["jobs"] == answer["jobs"]


@pytest.mark.parametrize(
    "text",
    [b'{"jobs": [' + b" " * 600, b"[" * 600, b'{"jobs": [{"a": "' + b"x" * 600, b"<html>" * 99],
    ids=["spaces", "brackets", "text", "html"],
)
def test_a_record_stream_ends_where_no_record_does(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_stream, "MAX_BYTES", 250)
    stream: RecordStream[Any] = RecordStream("jobs", RECORDS, 10)
    with pytest.raises(RecordStreamError):
        for at in range(len(text)):
            if stream.feed(text[at : at + 1]):
                stream.divide()
