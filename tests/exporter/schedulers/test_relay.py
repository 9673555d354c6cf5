"""The relay format: what one exporter writes another reads, and all else is no snapshot."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import OPTIONAL, SchedulerSnapshot, nodes_alone
from rackwatt_exporter.schedulers.remote import age_s, refusal, snapshot
from tests.exporter.schedulers.model.strategies import SNAPSHOTS


def answer(
    status: int = 200, body: bytes = b"", content_type: str = relay.CONTENT_TYPE, **headers: str
) -> HttpResponse:
    return HttpResponse(status, body, 0.5, {"content-type": content_type, **headers})


@given(SNAPSHOTS, st.integers(0, 10**9 - 1))
def test_a_snapshot_is_read_as_it_was_written_and_as_old_as_its_response(
    written: SchedulerSnapshot, age: int
) -> None:
    read = snapshot(answer(body=relay.encode(written), age=str(age)))
    assert read == msgspec.structs.replace(written, age_s=age + 0.5)


@given(SNAPSHOTS)
def test_a_snapshot_that_came_through_a_relay_is_the_same_bytes_at_any_age(
    written: SchedulerSnapshot,
) -> None:
    body = relay.encode(written)
    assert relay.encode(relay.decode(body, 17.5)) == body


GPUS = (Gres("gpu", 1, "h100"),)


def test_the_format_is_the_one_that_docs_web_md_describes() -> None:
    node = SchedulerNode(
        "draining", "mixed", ("drain",), ("batch", "gpu"), "bad dimm", 1795220732, ("zen4",),
        Resources(64, 515_396_075_520, (Gres("gpu", 4, "h100"),)), Resources(8, 0, GPUS),
    )  # fmt: skip
    job = Job(
        "8_3", "running", array="8", user="alice", account="phys", qos="normal",
        partitions=("gpu",), submitted_at_s=1795220000, started_at_s=1795220600,
        allocated=Resources(8, 0, GPUS), nodes=("n1",), per_node=(Resources(8, 0, GPUS),),
    )  # fmt: skip
    waiting = Job("9", "pending", tasks=20, array="9", user="bob", reason="Priority")
    written = SchedulerSnapshot(
        {"n1": node}, "prod", "24.11.5", 1, "n7 has no state", jobs=(job, waiting), user="rackwatt"
    )
    held = {"cpus": 8, "memory_bytes": 0, "gres": [{"name": "gpu", "count": 1, "type": "h100"}]}
    assert msgspec.json.decode(relay.encode(written)) == {
        "cluster": "prod",
        "version": "24.11.5",
        "nodes": {
            "n1": {
                "state": "draining",
                "base": "mixed",
                "flags": ["drain"],
                "partitions": ["batch", "gpu"],
                "reason": "bad dimm",
                "reason_at_s": 1795220732,
                "features": ["zen4"],
                "total": {
                    "cpus": 64,
                    "memory_bytes": 515_396_075_520,
                    "gres": [{"name": "gpu", "count": 4, "type": "h100"}],
                },
                "allocated": held,
            }
        },
        "unread": 1,
        "note": "n7 has no state",
        "jobs": [
            {
                "id": "8_3",
                "state": "running",
                "array": "8",
                "user": "alice",
                "account": "phys",
                "qos": "normal",
                "partitions": ["gpu"],
                "submitted_at_s": 1795220000,
                "started_at_s": 1795220600,
                "allocated": held,
                "nodes": ["n1"],
                "per_node": [held],
            },
            {
                "id": "9",
                "state": "pending",
                "tasks": 20,
                "array": "9",
                "user": "bob",
                "reason": "Priority",
            },
        ],
        "unread_jobs": 0,
        "user": "rackwatt",
    }


@pytest.mark.parametrize("part", OPTIONAL)
def test_a_snapshot_whose_part_was_not_read_is_not_one_without_any(part: str) -> None:
    unread = SchedulerSnapshot({})
    assert part not in msgspec.json.decode(relay.encode(unread))
    assert getattr(relay.decode(relay.encode(unread)), part) is None


@pytest.mark.parametrize("part", ["jobs", "licenses", "reservations", "queues"])
def test_a_part_of_which_there_is_none_is_served_empty(part: str) -> None:
    empty = SchedulerSnapshot({}, **{part: ()})  # type: ignore[arg-type]
    assert getattr(relay.decode(relay.encode(empty)), part) == ()


def test_a_snapshot_of_an_older_minor_version_is_read_and_its_newer_parts_are_not_known() -> None:
    body = b'{"nodes": {"n1": {"state": "idle"}}, "jobs": [], "unread_jobs": 0}'
    older = f"{relay.MEDIA_TYPE}; version=1.1"
    read = snapshot(answer(body=body, content_type=older, age="0"))
    assert read.jobs == ()
    assert read.licenses is None


@given(SNAPSHOTS)
def test_nodes_alone_are_what_a_reader_of_the_first_version_knew_and_their_shares(
    written: SchedulerSnapshot,
) -> None:
    alone = nodes_alone(written)
    served = msgspec.json.decode(relay.encode(alone))
    assert served.keys() - {"shares"} == {"nodes", "cluster", "version", "unread", "note", "user"}
    assert ("shares" in served) == (written.shares is not None)
    assert relay.decode(relay.encode(alone)).shares == written.shares


def test_fields_of_a_newer_minor_version_are_passed_over() -> None:
    body = b'{"nodes": {"n1": {"state": "idle", "watts": 64}}, "moods": [{"id": 1}]}'
    newer = f"{relay.MEDIA_TYPE}; version=1.7"
    read = snapshot(answer(body=body, content_type=newer, age="0"))
    assert read.nodes == {"n1": SchedulerNode("idle")}


@pytest.mark.parametrize("version", ["2.0", "0.9", "11.0"])
def test_an_unknown_major_version_is_a_bad_reply_that_names_both(version: str) -> None:
    body = relay.encode(SchedulerSnapshot({"n1": SchedulerNode("idle")}))
    other = f"{relay.MEDIA_TYPE}; version={version}"
    with pytest.raises(ReadError, match=rf"version {version} and this one reads 1\.x") as caught:
        snapshot(answer(body=body, content_type=other, age="0"))
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "text/html; version=1.0", relay.MEDIA_TYPE, f"{relay.ACCEPT}.x"],
)
def test_a_body_without_a_version_is_a_bad_reply_that_shows_its_type(content_type: str) -> None:
    body = relay.encode(SchedulerSnapshot({"n1": SchedulerNode("idle")}))
    with pytest.raises(ReadError, match="is url that of a rackwatt-exporter") as caught:
        snapshot(answer(body=body, content_type=content_type, age="0"))
    assert caught.value.reason is Reason.BAD_REPLY
    assert repr(content_type) in str(caught.value)


@pytest.mark.parametrize(
    "content_type",
    [
        relay.CONTENT_TYPE,
        relay.CONTENT_TYPE.upper(),
        f'{relay.MEDIA_TYPE};version="1.0"; charset=utf-8',
    ],
)
def test_a_content_type_may_be_spelled_as_http_allows(content_type: str) -> None:
    relay.check_version(content_type)


@pytest.mark.parametrize("said", ["", "-1", "1.5", "x", "٣", "9" * 40, "5 "])
def test_an_answer_of_unknown_age_is_no_answer(said: str) -> None:
    with pytest.raises(ReadError, match="Age") as caught:
        age_s(answer(age=said))
    assert caught.value.reason is Reason.BAD_REPLY


def test_an_age_counts_the_way_here() -> None:
    assert age_s(answer(age="7")) == 7.5


@pytest.mark.parametrize("reason", Reason)
def test_the_reason_of_the_other_end_is_passed_on(reason: Reason) -> None:
    found = refusal(answer(503, f"{reason}: it's the weather\n".encode()), "/x")
    assert (found.reason, str(found)) == (reason, "that exporter says: it's the weather")


def test_a_503_of_another_service_is_a_bad_reply() -> None:
    assert refusal(answer(503, b"upstream: gone"), "/x").reason is Reason.BAD_REPLY


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_refusal_has_a_reason(status: int, body: bytes) -> None:
    found = refusal(answer(status, body), "/x")
    assert isinstance(found.reason, Reason)
    assert str(found).isprintable()


@given(st.binary(max_size=200) | st.sampled_from([
    b"{}", b"[]", b'{"nodes":{"n":1}}', b'{"nodes":{"n":{}}}', b"[" * 5000, b'{"nodes":null}',
    b'{"nodes":{"n":{"state":"DROP \\n"}}}', b'{"nodes":{"":{"state":"idle"}}}',
    b'{"nodes":{"n":{"state":"idle","flags":"drain"}}}', b'{"nodes":{},"unread":-1}',
    b'{"nodes":{"n":{"state":"idle","reason_at_s":0}}}', b'{"nodes":{"n":{"state":"idle"}},"note":7}',
    b'{"nodes":{"n":{"state":"idle"},"m":{"state":null}}}',
    b'{"nodes":{},"jobs":[{"id":1,"state":"running"}]}', b'{"nodes":{},"jobs":[{"id":"1"}]}',
    b'{"nodes":{},"jobs":[{"id":"1","state":"running","tasks":0}]}', b'{"nodes":{},"jobs":{}}',
    b'{"nodes":{"n":{"state":"idle","total":{"cpus":-1}}}}',
    b'{"nodes":{"n":{"state":"idle"}}',
]))  # fmt: skip
def test_garbage_is_a_bad_reply_and_no_part_of_it_counts(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        snapshot(answer(200, body, age="0"))
    assert caught.value.reason is Reason.BAD_REPLY
