"""Captures of OpenPBS 23.06, published output of other versions and Torque, and what may be wrong."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.pbs import json_output, text_output, torque_xml
from rackwatt_exporter.schedulers.pbs.commands import make_snapshot

DATA = Path(__file__).parents[3] / "data" / "pbs-23.06"
NODES_JSON, JOBS_JSON, NODES_TEXT, JOBS_TEXT = (
    (DATA / name).read_bytes()
    for name in ("pbsnodes-av.json", "qstat-tf.json", "pbsnodes-a.txt", "qstat-f.txt")
)
SUBMITTED_S = 1795223454  # 2026-11-21T01:10:54Z
STARTED_S = SUBMITTED_S + 65
MIB = 2**20


def by_json(nodes: bytes = NODES_JSON, jobs: bytes = JOBS_JSON) -> SchedulerSnapshot:
    return make_snapshot(json_output.parse_nodes(nodes), json_output.parse_jobs(jobs))


def by_text(nodes: bytes = NODES_TEXT, jobs: bytes = JOBS_TEXT) -> SchedulerSnapshot:
    return make_snapshot(text_output.parse_nodes(nodes), text_output.parse_jobs(jobs))


def test_a_node_has_its_resources_with_gpus() -> None:
    snapshot = by_json()
    assert snapshot.nodes == {
        "pbsm": SchedulerNode(
            "allocated",
            "allocated",
            total=Resources(cpus=16, memory_bytes=24684084 * 1024, gres=(Gres("gpu", 4),)),
            allocated=Resources(cpus=10, memory_bytes=800 * MIB, gres=(Gres("gpu", 2),)),
        )
    }
    assert (snapshot.version, snapshot.cluster) == ("23.06.06", "pbsm")


def test_a_job_has_what_it_holds_of_its_host() -> None:
    (job,) = (job for job in by_json().jobs or () if job.id == "0.pbsm")
    held = Resources(cpus=4, memory_bytes=500 * MIB, gres=(Gres("gpu", 2),))
    assert job == Job(
        "0.pbsm",
        "running",
        user="alice",
        account="proj1",
        partitions=("workq",),
        submitted_at_s=SUBMITTED_S,
        started_at_s=STARTED_S,
        allocated=held,
        nodes=("pbsm",),
        per_node=(held,),
    )


def test_tasks_of_an_array_are_jobs_and_the_array_itself_is_none() -> None:
    jobs = {job.id: job for job in by_json().jobs or ()}
    assert list(jobs) == ["0.pbsm", "1[0].pbsm", "1[1].pbsm", "1[2].pbsm", "2.pbsm"]
    assert jobs["1[0].pbsm"].array == "1[].pbsm"
    assert jobs["2.pbsm"].reason.startswith("Can Never Run: Insufficient amount of resource")
    assert jobs["2.pbsm"].requested == Resources(cpus=32)


def test_text_says_the_same_as_json() -> None:
    json_jobs = {job.id: job for job in by_json().jobs or ()}
    text_jobs = {job.id: job for job in by_text().jobs or ()}
    assert by_text().nodes == by_json().nodes
    assert by_text().version == by_json().version
    # Without -t, tasks of arrays are not listed.
    assert text_jobs == {key: json_jobs[key] for key in ("0.pbsm", "2.pbsm")}


def with_state(state: str, *jobs: str, **more: object) -> SchedulerSnapshot:
    """Make a snapshot of one node in this state."""
    document = json.loads(NODES_JSON)
    document["nodes"]["pbsm"].update(state=state, jobs=list(jobs), **more)
    return make_snapshot(json_output.parse_nodes(json.dumps(document).encode()), None)


@pytest.mark.parametrize(
    ("state", "jobs", "expected"),
    [
        ("free", (), "idle"),
        ("free", ("0.pbsm",), "allocated"),
        ("job-busy", (), "allocated"),
        ("job-exclusive", ("0.pbsm",), "allocated"),
        ("offline", (), "drained"),
        ("offline,job-busy", ("0.pbsm",), "draining"),
        ("state-unknown,down", (), "down"),
        ("down,offline", ("0.pbsm",), "down"),
        ("state-unknown", (), "unknown"),
        ("Stale", (), "unknown"),
        ("unresolvable", (), "error"),
        ("resv-exclusive", (), "reserved"),
        ("resv-exclusive", ("0.pbsm",), "allocated"),
        ("maintenance", (), "maintenance"),
        ("sleep", (), "powered_down"),
        ("wait-provisioning", (), "provisioning"),
        ("initializing", (), "initializing"),
        ("busy", (), "busy"),
        ("busy", ("0.pbsm",), "allocated"),
        ("something-new", (), "something_new"),
        ("something-new", ("0.pbsm",), "allocated"),
        ("", (), "unknown"),
    ],
)
def test_a_node_is_in_the_state_of_its_words(
    state: str, jobs: tuple[str, ...], expected: str
) -> None:
    assert with_state(state, *jobs).nodes["pbsm"].state == expected


def test_a_node_without_a_state_is_unknown_and_never_idle() -> None:
    document = json.loads(NODES_JSON)
    del document["nodes"]["pbsm"]["state"]
    document["nodes"]["pbsm"]["jobs"] = []
    snapshot = make_snapshot(json_output.parse_nodes(json.dumps(document).encode()), None)
    assert snapshot.nodes["pbsm"].state == "unknown"


def test_a_node_out_of_service_has_flags_and_the_reason_with_its_time() -> None:
    node = with_state("offline,job-busy", "0.pbsm", comment="bad\tdimm").nodes["pbsm"]
    assert node.flags == ("offline", "job_busy")
    assert (node.reason, node.reason_at_s) == ("bad dimm", 1795223430)


# A host with two sockets: PBS has a vnode for each, and one without processors for the host.
VNODES = b"""{"timestamp":1,"pbs_version":"2022.1.1","pbs_server":"s","nodes":{
"n1":{"state":"free","resources_available":{"host":"n1","ncpus":0,"mem":"0kb"}},
"n1[0]":{"state":"%s","jobs":["7.s"],"resources_available":{"host":"n1","ncpus":8,"mem":"8gb","ngpus":2},
  "resources_assigned":{"ncpus":8,"mem":"1gb","ngpus":1},"queue":"gpuq"},
"n1[1]":{"state":"%s","resources_available":{"host":"n1","ncpus":8,"mem":"8gb"}}}}"""


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (b"job-busy", b"free", "allocated"),
        (b"offline", b"free", "allocated"),
        (b"offline", b"offline", "draining"),
        (b"down", b"down", "down"),
    ],
)
def test_the_vnodes_of_a_host_are_one_node(first: bytes, second: bytes, state: str) -> None:
    node = make_snapshot(json_output.parse_nodes(VNODES % (first, second)), None).nodes["n1"]
    assert node.state == state
    assert node.total == Resources(cpus=16, memory_bytes=16 * 2**30, gres=(Gres("gpu", 2),))
    assert node.allocated == Resources(cpus=8, memory_bytes=2**30, gres=(Gres("gpu", 1),))
    assert node.partitions == ("gpuq",)


def queued(**jobs: Mapping[str, object]) -> SchedulerSnapshot:
    document = {"timestamp": 1, "Jobs": jobs}
    return by_json(NODES_JSON, json.dumps(document).encode())


def test_what_a_job_holds_of_several_vnodes_is_added_up_for_each_host() -> None:
    chunks = "(n1[0]:ncpus=4:mem=1gb:ngpus=1+n1[1]:ncpus=2)+(n2:ncpus=3)"
    jobs = {"7.s": {"job_state": "R", "exec_vnode": chunks}}
    document = {"timestamp": 1, "Jobs": jobs}
    snapshot = by_json(VNODES % (b"free", b"free"), json.dumps(document).encode())
    assert snapshot.jobs is not None
    (job,) = snapshot.jobs
    assert job.nodes == ("n1", "n2")
    assert job.per_node == (
        Resources(cpus=6, memory_bytes=2**30, gres=(Gres("gpu", 1),)),
        Resources(cpus=3, gres=()),
    )
    assert job.allocated == Resources(cpus=9, memory_bytes=2**30, gres=(Gres("gpu", 1),))


@pytest.mark.parametrize(
    ("letter", "state", "flags"),
    [
        ("Q", "pending", ()),
        ("W", "pending", ("waiting_for_time",)),
        ("T", "pending", ("in_transit",)),
        ("H", "held", ()),
        ("R", "running", ()),
        ("E", "completing", ()),
        ("S", "suspended", ()),
        ("U", "suspended", ("user_active",)),
        ("C", "completed", ()),
        ("?", "unknown", ()),
    ],
)
def test_a_job_is_in_the_state_of_its_letter(
    letter: str, state: str, flags: tuple[str, ...]
) -> None:
    (job,) = queued(**{"7.s": {"job_state": letter}}).jobs or ()
    assert (job.state, job.flags) == (state, flags)


def test_history_is_no_job() -> None:
    assert queued(**{f"{letter}.s": {"job_state": letter} for letter in "XFM"}).jobs == ()


def test_tasks_that_wait_in_one_state_are_one_job() -> None:
    task = {"euser": "bob", "queue": "workq", "Resource_List": {"ncpus": 2}}
    jobs = {f"8[{index}].s": {**task, "job_state": "Q"} for index in range(20_000)}
    jobs |= {"8[20000].s": {**task, "job_state": "H"}, "8[].s": {**task, "job_state": "B"}}
    found = {job.id: job for job in queued(**jobs).jobs or ()}
    assert {key: (job.state, job.tasks) for key, job in found.items()} == {
        "8[].s": ("pending", 20_000),
        "8[20000].s": ("held", 1),
    }
    assert found["8[].s"].requested == Resources(cpus=2)


def test_an_array_whose_tasks_are_not_listed_counts_those_that_wait() -> None:
    array = {"job_state": "Q", "array_state_count": "Queued:5 Running:0 Exiting:0 Expired:0 "}
    (job,) = queued(**{"8[].s": array}).jobs or ()
    assert (job.id, job.array, job.tasks) == ("8[].s", "8[].s", 5)


def test_a_job_without_a_state_is_counted() -> None:
    snapshot = queued(**{"7.s": {}, "8.s": {"job_state": "Q"}})
    assert [job.id for job in snapshot.jobs or ()] == ["8.s"]
    assert snapshot.unread_jobs == 1


TORQUE_NODES = b"""<Data><Node><name>n1</name><state>job-exclusive</state><power_state>Running</power_state>
<np>4</np><ntype>cluster</ntype><jobs>1/136.srv,2/137.srv,0,3/138.srv</jobs><status>opsys=linux,ncpus=4,
loadave=0.00,totmem=7814572kb,physmem=7814572kb,rectime=1562070902,jobs=135.srv 136.srv</status></Node>
<Node><name>n2</name><state>down,offline</state><np>4</np><ntype>cluster</ntype><note>bad dimm</note></Node>
<Node><name>n3</name><state>free</state><np>4</np><gpus>2</gpus></Node></Data>"""
TORQUE_JOBS = b"""<Data><Job><Job_Id>138.srv</Job_Id><Job_Name>a&amp;b</Job_Name><Job_Owner>bob@login</Job_Owner>
<job_state>R</job_state><queue>batch</queue><exec_host>n1/0+n1/3</exec_host><ctime>1562070000</ctime>
<qtime>1562070001</qtime><start_time>1562070900</start_time><Resource_List><nodes>1:ppn=2</nodes>
<walltime>01:00:00</walltime></Resource_List><euser>bob</euser></Job>
<Job><Job_Id>166[1].srv</Job_Id><Job_Owner>eve@login</Job_Owner><job_state>Q</job_state><queue>batch</queue>
<Resource_List><nodes>1:ppn=2+2:ppn=3</nodes></Resource_List></Job></Data>"""


def test_torque_nodes_and_jobs_are_read_from_xml() -> None:
    snapshot = make_snapshot(
        torque_xml.parse_nodes(TORQUE_NODES), torque_xml.parse_jobs(TORQUE_JOBS)
    )
    memory = 7814572 * 1024
    assert snapshot.nodes == {
        "n1": SchedulerNode(
            "allocated",
            "allocated",
            ("job_exclusive",),
            total=Resources(cpus=4, memory_bytes=memory),
            allocated=Resources(cpus=4),
        ),
        "n2": SchedulerNode(
            "down",
            "idle",
            ("down", "offline"),
            reason="bad dimm",
            total=Resources(cpus=4),
            allocated=Resources(cpus=0),
        ),
        "n3": SchedulerNode(
            "idle",
            "idle",
            total=Resources(cpus=4, gres=(Gres("gpu", 2),)),
            allocated=Resources(cpus=0),
        ),
    }
    held = Resources(cpus=2)
    assert snapshot.jobs == (
        Job(
            "138.srv",
            "running",
            user="bob",
            partitions=("batch",),
            submitted_at_s=1562070001,
            started_at_s=1562070900,
            allocated=held,
            nodes=("n1",),
            per_node=(held,),
        ),
        Job(
            "166[1].srv",
            "pending",
            array="166[].srv",
            user="eve",
            partitions=("batch",),
            requested=Resources(cpus=8),
        ),
    )


@pytest.mark.parametrize(
    ("host", "cpus"), [("n1/0*4", 4), ("n1/2", 1), ("n1/0-3", 4), ("n1/0-1,4", 3), ("n1/x", None)]
)
def test_the_processors_of_a_host_are_counted_from_exec_host(host: str, cpus: int | None) -> None:
    (job,) = queued(**{"7.s": {"job_state": "R", "exec_host": host}}).jobs or ()
    assert (job.nodes, job.per_node) == (("n1",), (Resources(cpus=cpus),))


def test_a_long_value_goes_on_in_the_next_lines() -> None:
    listing = text_output.parse_jobs(JOBS_TEXT)
    assert listing.records["0.pbsm"]["comment"].endswith("on (pbsm:ncpus=4:mem=512000kb:ngpus=2)")


def test_a_value_that_looks_like_an_attribute_changes_none() -> None:
    forged = JOBS_TEXT.replace(
        b"    Submit_arguments = -N big", b"    Submit_arguments = -N x\n    job_state = R\n"
    )
    assert by_text(jobs=forged).jobs == by_text().jobs


def test_text_before_and_behind_changes_nothing() -> None:
    before, behind = b"Welcome to {login1}\nLoading: modules = ok\n\n", b"\nlogout\n"
    assert by_json(before + NODES_JSON + behind, before + JOBS_JSON + behind) == by_json()
    assert by_text(before + NODES_TEXT + behind, before + JOBS_TEXT + behind) == by_text()


def test_no_job_at_all_is_an_empty_list() -> None:
    assert queued().jobs == by_json(NODES_JSON, b'{"timestamp":1}').jobs == ()
    assert by_text(jobs=b"").jobs == ()
    assert make_snapshot(text_output.parse_nodes(NODES_TEXT), torque_xml.parse_jobs(b"")).jobs == ()


@pytest.mark.parametrize(
    ("nodes", "jobs"),
    [
        (NODES_JSON[:-30], JOBS_JSON),
        (NODES_JSON, JOBS_JSON.replace(b'"train"', b"0123")),
        (b'{"timestamp":1,"nodes":[]}', JOBS_JSON),
        (b'{"timestamp":1,"nodes":{}}', JOBS_JSON),
        (b'{"timestamp":1,"nodes":{"a":3}}', JOBS_JSON),
        (b"", JOBS_JSON),
        (NODES_JSON, b"<html>"),
    ],
)
def test_what_is_not_valid_is_a_bad_reply(nodes: bytes, jobs: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        by_json(nodes, jobs)
    assert caught.value.reason is Reason.BAD_REPLY


@given(st.binary(), st.binary())
def test_any_output_is_a_snapshot_or_a_bad_reply(nodes: bytes, jobs: bytes) -> None:
    for module in (json_output, text_output, torque_xml):
        for first, second in ((nodes, jobs), (NODES_TEXT + NODES_JSON + TORQUE_NODES, jobs)):
            try:
                snapshot = make_snapshot(module.parse_nodes(first), module.parse_jobs(second))
            except ReadError as error:
                assert error.reason is Reason.BAD_REPLY
                assert str(error).isprintable()
            else:
                assert relay.decode(relay.encode(snapshot)) == snapshot


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NODE_KEYS = ("state", "jobs", "comment", "resources_available", "resources_assigned", "queue")
JOB_KEYS = ("job_state", "exec_vnode", "exec_host", "euser", "ctime", "Resource_List", "comment")


@given(
    st.dictionaries(st.sampled_from(NODE_KEYS), VALUES),
    st.dictionaries(st.sampled_from(JOB_KEYS), VALUES),
)
def test_values_of_any_type_make_no_node_idle_that_is_not_free(
    node: dict[str, object], job: dict[str, object]
) -> None:
    nodes = json.dumps({"timestamp": 1, "nodes": {"n": node}}).encode()
    jobs = json.dumps({"timestamp": 1, "Jobs": {"7[].s": job, "8.s": job}}).encode()
    snapshot = by_json(nodes, jobs)
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for found in snapshot.nodes.values():
        assert found.state != "idle" or str(node["state"]).strip() in ("free", "reserve")
