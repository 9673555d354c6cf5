"""Responses of collectors: real ones, and pods that only look like them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rackwatt_crds.decoding import decode
from rackwatt_crds.loading import parse_document
from rackwatt_crds.status import PowerTargetStatus, SchedulerBindingStatus
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.builder import build_status
from rackwatt_operator.status.collector_status import (
    CollectorStatus,
    StatusResponse,
    aggregate,
    parse,
)
from rackwatt_operator.status.conditions import accepted
from rackwatt_operator.status.inputs import StatusInputs
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.running_exporter import RunningExporter
from tests.operator.kube_user import fleet

NODE = """\
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 200ms, node: {collectors: [rapl, cpu]}}
"""
GRID = """\
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: grid}
spec: {interval: 200ms, grid: {zone: FR, static: {gramsPerKilowattHour: 56}}}
"""
NOW = datetime(2026, 7, 1, tzinfo=UTC)


async def test_collector_status_counts_a_node_as_one_target_whatever_its_collectors(
    tmp_path: Path,
) -> None:
    tree = Powercap(tmp_path / "sys", XEON)
    tree.show(intel_rapl_0=100, intel_rapl_0_0=10, intel_rapl_1=100, intel_rapl_1_0=10)
    (tmp_path / "nodes.yaml").write_text(NODE)
    host = HostPaths("n1", sysfs=tmp_path / "sys")
    async with RunningExporter(tmp_path, host=host) as exporter:
        await exporter.until(lambda text: '"reachable":1' in text.replace(" ", ""), "/status")
        status = aggregate([parse((await exporter.text("/status")).encode())], 10)
    assert (status.polled, status.unreachable) == (1, 0)
    assert (status.configured, status.reachable, status.failing) == (1, 1, 0)


async def test_collector_status_counts_a_failing_collector_as_a_failing_node(
    tmp_path: Path,
) -> None:
    (tmp_path / "nodes.yaml").write_text(NODE)
    host = HostPaths("n1", sysfs=tmp_path / "none")
    async with RunningExporter(tmp_path, host=host) as exporter:
        await exporter.until(lambda text: "absent" in text and '"age_s"' in text, "/status")
        status = aggregate([parse((await exporter.text("/status")).encode())], 10)
    assert (status.configured, status.failing) == (1, 1)
    assert [(one.node, one.reason) for one in status.failing_targets] == [("n1", "absent")]
    assert status.failing_targets[0].message
    assert status.watts is None


async def test_collector_status_counts_a_grid_zone_as_one_target(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    async with RunningExporter(tmp_path) as exporter:
        await exporter.until(lambda text: "grams_per_kilowatt_hour" in text, "/status")
        status = aggregate([parse((await exporter.text("/status")).encode())], 10)
    assert (status.configured, status.failing, status.failing_targets) == (1, 0, [])


async def test_collector_status_names_a_failing_zone(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    async with RunningExporter(tmp_path) as exporter:
        await exporter.until(lambda text: '"up": true' in text, "/status")
        (pipeline,) = [one for one in exporter.exporter.registry if one.name == "grids"]
        pipeline.store.failed("FR/static", ReadError(Reason.TIMEOUT, "no answer"), 0.1)
        status = aggregate([parse((await exporter.text("/status")).encode())], 10)
    (failing,) = status.failing_targets
    assert (failing.node, failing.reason, failing.message) == ("FR", "timeout", "no answer")


@pytest.mark.parametrize(
    ("status", "known"),
    [
        (None, False),
        (aggregate([None], 10), False),
        (aggregate([None, StatusResponse()], 10), True),
    ],
)
def test_accepted_reports_complete_secrets_only_after_a_collector_has_looked(
    status: CollectorStatus | None, known: bool
) -> None:
    document = parse_document(fleet("lab", "centre"), "").document
    found = StatusInputs(document, (), (), None, frozenset(), MONITORING, collectors=status)
    claim = accepted(found)
    assert (claim.status, claim.reason) == ("True", "Accepted")
    assert ("every object that it references exists" in claim.message) == known
    assert ("have not yet reported" in claim.message) != known


@given(st.binary() | st.text().map(lambda text: json.dumps({"first_problems": [text]}).encode()))
@example(b'{"documents":{"first_problems":["\xff"]}}')
@example(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
def test_collector_status_ignores_garbage_without_an_error(body: bytes) -> None:
    assert parse(body) is None or isinstance(parse(body), StatusResponse)


_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_WORDS = st.text(max_size=300) | st.sampled_from(["timeout", "auth_failed", "_", ""])
_ONES = st.fixed_dictionaries(
    {"node": _WORDS, "name": _WORDS},
    optional={
        "up": st.booleans(),
        "reason": _WORDS | st.none(),
        "message": _WORDS | st.text(min_size=1100, max_size=1200),
        "watts": _NUMBERS | st.none(),
        "failing_for_s": _NUMBERS,
        "age_s": _NUMBERS,
        "nodes": st.dictionaries(_WORDS, _NUMBERS, max_size=5),
        "version": _WORDS,
    },
)
_ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "targets": st.dictionaries(
            st.sampled_from(["configured", "reachable", "failing", "watts"]), _NUMBERS
        ),
        "failing": st.lists(_ONES, max_size=12),
        "schedulers": st.lists(_ONES, max_size=2),
    },
)


@given(st.lists(_ANSWERS, min_size=1, max_size=3))
@example([{"targets": {"configured": 10**30, "watts": 1e300}}])
@example([{"schedulers": [{"name": "prod", "up": True, "age_s": 1e300, "reason": ""}]}])
@example([{"schedulers": [{"name": "prod", "up": True, "age_s": 1e10, "nodes": {"idle": 2}}]}])
def test_build_status_conforms_to_the_crd_whatever_a_pod_answers(raws: list[object]) -> None:
    status = aggregate([parse(json.dumps(raw).encode()) for raw in raws], 10)
    for kind, spec, model in (
        ("PowerTarget", {"node": {"collectors": ["cpu"]}}, PowerTargetStatus),
        ("SchedulerBinding", {"cluster": "c", "noop": {}}, SchedulerBindingStatus),
    ):
        raw = {
            "apiVersion": "rackwatt.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": "a"},
            "spec": spec,
        }
        found = StatusInputs(
            parse_document(raw, "").document,
            (),
            (),
            None,
            frozenset(),
            MONITORING,
            collectors=status,
        )
        made = msgspec.json.decode(msgspec.json.encode(build_status(found, {}, 1, NOW)))
        decoded, problems = decode(made, model)
        assert decoded is not None
        assert problems == []
