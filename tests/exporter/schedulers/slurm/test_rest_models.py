"""What slurmrestd answers: captures of each version, and garbage."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.slurm.rest_models import nodes_paths, reply
from tests.exporter.schedulers.snapshots import states

DATA = Path(__file__).parents[3] / "data"
SIX = {
    "n01": "allocated",
    "n02": "idle",
    "n03": "idle",
    "n04": "idle",
    "n05": "drained",
    "n06": "down",
}
WORDS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "nodes": JSON
        | st.lists(
            st.fixed_dictionaries(
                {"name": WORDS, "state": WORDS | st.lists(WORDS)},
                optional={
                    "state_flags": JSON,
                    "partitions": JSON | st.lists(WORDS),
                    "reason": JSON,
                    "reason_changed_at": JSON,
                },
            )
        ),
        "errors": JSON,
        "meta": JSON,
        "last_update": JSON,
    },
)


@pytest.mark.parametrize(
    ("capture", "version", "updated_s"),
    [
        ("slurm-22.05/nodes_v0.0.38.json", "22.05.8", None),
        ("slurm-24.11/nodes_v0.0.40.json", "24.11.5", 1795220744),
        ("slurm-24.11/nodes_v0.0.41.json", "24.11.5", 1795220744),
        ("slurm-24.11/nodes_v0.0.42.json", "24.11.5", 1795220749),
    ],
)
def test_every_version_yields_the_same_states(
    capture: str, version: str, updated_s: int | None
) -> None:
    read = reply((DATA / capture).read_bytes())
    assert states(read.snapshot()) == SIX
    assert read.snapshot().version == version
    assert read.updated_s == updated_s
    assert read.error_text == ""


def test_a_mixed_node_that_is_planned_is_mixed() -> None:
    read = reply((DATA / "slurm-24.11/nodes_planned_v0.0.42.json").read_bytes())
    assert states(read.snapshot()) == {"n1": "mixed", "n2": "mixed", "n3": "idle"}


def test_errors_have_the_text_of_slurm() -> None:
    read = reply((DATA / "slurm-24.11/token_expired.json").read_bytes())
    assert read.error_text == "Failure to query nodes: Protocol authentication error"
    assert reply(b'{"errors": ["as text, once"]}').error_text == "as text, once"


def test_a_plain_time_of_the_last_change_is_read_like_a_wrapped_one() -> None:
    assert reply(b'{"last_update": 7}').updated_s == 7
    assert reply(b'{"last_update": {"set": false, "number": 7}}').updated_s is None
    assert reply(b'{"last_update": null}').updated_s is None
    assert reply(b'{"last_update": {"number": 0.5}}').updated_s is None


@given(FIELDS | JSON)
def test_any_json_is_states_or_a_bad_reply(document: object) -> None:
    import msgspec

    examine(msgspec.json.encode(document))


@given(st.binary())
def test_any_bytes_are_states_or_a_bad_reply(body: bytes) -> None:
    examine(body)


def test_json_nested_too_deep_is_a_bad_reply() -> None:
    with pytest.raises(ReadError):
        reply(b'{"x": ' + b"[" * 100_000)


def examine(body: bytes) -> None:
    try:
        read = reply(body)
        assert read.error_text.isprintable()
        assert read.updated_s is None or read.updated_s > 0
        snapshot = read.snapshot()
        assert snapshot.nodes
        assert relay.decode(relay.encode(snapshot)) == snapshot
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY


@given(st.binary() | st.text().map(str.encode))
def test_any_description_of_the_interface_is_a_path_or_a_bad_reply(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        nodes_paths(body)
    assert caught.value.reason is Reason.BAD_REPLY


ODD = b"""{"nodes": [
    {"name": "n1", "state": "idle"}, {"name": "n2", "state": null}, {"name": "n3"}, null, "n4",
    {"name": "n5", "state": 7}, {"name": "n6", "state": ["IDLE", null]}, {"state": ["IDLE"]},
    {"name": "n7", "state": ["IDLE"], "state_flags": "DRAIN"}, {"name": "n8", "state": []},
    {"name": "n9", "state": ["DOWN"]}
]}"""


def test_a_node_that_is_not_as_it_should_be_costs_that_node_alone() -> None:
    snapshot = reply(ODD).snapshot()
    assert states(snapshot) == {"n1": "idle", "n9": "down"}
    assert snapshot.unread == 9
    assert snapshot.note == (
        "n2, n3, one without a name and 6 more without a state that can be read"
    )


def test_nodes_of_which_none_can_be_read_are_a_bad_reply_that_names_some() -> None:
    with pytest.raises(ReadError, match="n1 without a state") as caught:
        reply(b'{"nodes": [{"name": "n1", "state": null}]}').snapshot()
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize(
    "error",
    [
        b'{"error_number": 7000, "error": "Unable to connect to database"}',
        b'{"description": "openapi_get_db_conn() failed to open slurmdb connection"}',
        b'"slurmdb_connection_get failed"',
    ],
)
def test_the_want_of_slurmdbd_is_known_by_number_and_by_words(error: bytes) -> None:
    assert reply(b'{"errors": [%s]}' % error).lacks_database
    assert not reply(b'{"errors": [{"error_number": 1007, "error": "x"}]}').lacks_database


def test_the_cluster_is_read_where_slurm_names_it() -> None:
    assert reply((DATA / "slurm-24.11/nodes_v0.0.42.json").read_bytes()).cluster == "alpha"
    assert reply((DATA / "slurm-22.05/nodes_v0.0.38.json").read_bytes()).cluster == ""


@pytest.mark.parametrize(
    ("capture", "at_s"),
    [
        ("slurm-22.05/nodes_v0.0.38.json", 1795220338),
        ("slurm-24.11/nodes_v0.0.40.json", 1795220732),
        ("slurm-24.11/nodes_v0.0.41.json", 1795220732),
        ("slurm-24.11/nodes_v0.0.42.json", 1795220732),
    ],
)
def test_a_drained_node_has_its_base_flags_partitions_and_reason_in_every_version(
    capture: str, at_s: int
) -> None:
    node = reply((DATA / capture).read_bytes()).snapshot().nodes["n05"]
    total = Resources(4, 4000 * 2**20, ())
    assert node == SchedulerNode(
        "drained", "idle", ("drain",), ("batch",), "bad dimm", at_s, (), total,
        Resources(0, 0, ()), 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("capture", "load", "free_mib", "down"),
    [
        ("slurm-22.05/nodes_v0.0.38.json", 0.14, 23569, 0.14),
        ("slurm-24.11/nodes_v0.0.40.json", 0.74, 22012, 0.0),
        ("slurm-24.11/nodes_v0.0.41.json", 0.74, 22012, 0.0),
        ("slurm-24.11/nodes_v0.0.42.json", 0.74, 22012, 0.0),
    ],
)
def test_load_and_free_memory_are_in_base_units_in_every_version(
    capture: str, load: float, free_mib: int, down: float
) -> None:
    usage = reply((DATA / capture).read_bytes()).snapshot().usage
    expected = {f"n0{n}": NodeUsage(load, free_mib * 2**20) for n in range(1, 6)}
    assert usage == expected | {"n06": NodeUsage(down, free_mib * 2**20)}


def test_what_slurm_never_measured_or_cannot_know_now_is_unknown() -> None:
    body = b"""{"nodes": [
        {"name": "n1", "state": "idle", "cpu_load": 4294967294, "free_memory": -2},
        {"name": "n2", "state": "idle", "cpu_load": 4294967295, "free_mem": {"set": false}},
        {"name": "n3", "state": "idle", "cpu_load": {"set": true, "number": 150}, "weight": "x"},
        {"name": "n4", "state": ["IDLE", "NOT_RESPONDING"], "cpu_load": 150, "free_memory": 9},
        {"name": "n5", "state": ["IDLE", "POWERED_DOWN"], "cpu_load": 150, "free_memory": 9},
        {"name": "n6", "state": "idle", "cpu_load": 0, "free_memory": 0}
    ]}"""
    snapshot = reply(body).snapshot()
    assert snapshot.usage == {"n3": NodeUsage(1.5), "n6": NodeUsage(0.0, 0)}
    assert {node.weight for node in snapshot.nodes.values()} == {None}


def test_partitions_in_another_order_are_the_same_node() -> None:
    body = b"""{"nodes": [{"name": "n1", "state": "idle", "partitions": ["b", "a"]},
        {"name": "n2", "state": "idle", "partitions": ["a", "b", "a"]}]}"""
    nodes = reply(body).snapshot().nodes
    assert nodes["n1"] is nodes["n2"]
    assert nodes["n1"].partitions == ("a", "b")


def test_details_of_a_node_that_are_not_as_they_should_be_are_absent_and_cost_no_state() -> None:
    odd = b"""{"nodes": [
        {"name": "n1", "state": "idle", "partitions": "batch", "reason": 7,
         "reason_changed_at": {"set": false, "number": 7}},
        {"name": "n2", "state": "idle", "partitions": ["a", ""], "reason": null,
         "reason_changed_at": true},
        {"name": "n3", "state": "idle", "partitions": [3], "reason_changed_at": 0}
    ]}"""
    snapshot = reply(odd).snapshot()
    assert set(snapshot.nodes.values()) == {SchedulerNode("idle", "idle")}
    assert snapshot.unread == 0


def test_a_name_that_no_relay_would_take_is_a_node_that_could_not_be_read() -> None:
    long = b'{"nodes": [{"name": "%s", "state": "idle"}, {"name": "n2", "state": "idle"}]}'
    snapshot = reply(long % (b"x" * 256)).snapshot()
    assert (set(snapshot.nodes), snapshot.unread) == ({"n2"}, 1)


def test_a_reason_of_any_text_is_one_line_of_bounded_length() -> None:
    body = b'{"nodes": [{"name": "n1", "state": "down", "reason": "a\\n\\u001b[31m%s"}]}'
    reason = reply(body % (b"b" * 500)).snapshot().nodes["n1"].reason
    assert reason.isprintable()
    assert len(reason) == 200


def test_a_name_with_two_different_records_is_unread_and_equal_ones_are_one_node() -> None:
    body = (
        b'{"nodes": [{"name": "n1", "state": "IDLE"}, {"name": "n2", "state": "IDLE"},'
        b'{"name": "n1", "state": "DOWN"}, {"name": "n2", "state": "IDLE"}]}'
    )
    snapshot = reply(body).snapshot()
    assert states(snapshot) == {"n2": "idle"}
    assert snapshot.unread == 1
    assert snapshot.note == "n1 more than once, with different records"


def test_equal_nodes_are_one_object() -> None:
    nodes = reply((DATA / "slurm-24.11/nodes_v0.0.42.json").read_bytes()).snapshot().nodes
    assert nodes["n03"] is nodes["n04"]
