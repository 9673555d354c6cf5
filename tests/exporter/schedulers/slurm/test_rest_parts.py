"""Parts of jobs in slurmrestd's answers: each version's spelling, and what is none."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.rest_jobs import RestJob
from rackwatt_exporter.schedulers.slurm.rest_parts import read_parts as parts_of
from tests.exporter.schedulers.slurm.test_rest_jobs import captured

DATA = Path(__file__).parents[3] / "data"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("nodes", "allocation", "name", "cpus", "count", "allocated_nodes"))
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
NEW = b'{"nodes": {"allocation": [{"name": "n1", "cpus": {"count": 3}}, {"name": "n2", "cpus": {"count": 1}}]}}'
OLD = b'{"nodes": "n[1-2]", "allocated_nodes": [{"nodename": "n1", "cpus_used": 0}, {"nodename": "n2"}]}'


def read_parts(job_resources: bytes, detail: object) -> Mapping[str, Resources]:
    """Read a job that has these resources, as a record of an answer."""
    body = b'{"job_resources": %b, "gres_detail": %b}'
    record = msgspec.json.decode(body % (job_resources, msgspec.json.encode(detail)), type=RestJob)
    return parts_of(record.job_resources, record.gres_detail)


def test_cpus_of_each_node_are_known_from_v0_0_41_on() -> None:
    for version, known in (("40", ()), ("41", (3, 1)), ("42", (3, 1))):
        job = captured(f"slurm-24.11/jobs_v0.0.{version}.json")["2"]
        assert tuple(part.cpus for part in job.per_node) == known


def test_gres_of_each_node_are_known_in_every_version() -> None:
    two, one = (Gres("gpu", 2, "h100"),), (Gres("gpu", 1, "h100"),)
    detail = ["gpu:h100:2(IDX:0-1)", "gpu:h100:1(IDX:3)"]
    assert read_parts(NEW, detail) == {"n1": Resources(3, gres=two), "n2": Resources(1, gres=one)}
    assert read_parts(OLD, detail) == {
        "n1": Resources(gres=two), "n2": Resources(gres=one),
    }  # fmt: skip


@pytest.mark.parametrize("detail", [None, [], ["gpu:1"], "gpu:1", [1, None]])
def test_gres_that_do_not_match_the_nodes_are_not_known(detail: object) -> None:
    assert read_parts(NEW, detail) == {"n1": Resources(3), "n2": Resources(1)}


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"{}",
        b'{"allocated_nodes": {"0": {"cpus": 2}}}',  # v0.0.37
        b'{"allocated_nodes": [{"nodename": "n1"}, {}]}',
        b'{"nodes": {"allocation": [{"name": "n1"}, null]}}',
        b'{"nodes": {"allocation": {"n1": 3}}}',
    ],
)
def test_what_is_no_allocation_has_no_part(body: bytes) -> None:
    assert read_parts(body, None) == {}


@given(JSON, JSON)
def test_any_json_has_parts_or_none(job_resources: object, detail: object) -> None:
    for part in read_parts(msgspec.json.encode(job_resources), detail).values():
        assert part.cpus is None or part.cpus >= 0
