"""Matched names the nodes that the scheduler does not know, and does not affect Ready."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rackwatt_crds.loading import parse_document
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.builder import build_status
from rackwatt_operator.status.collector_status import CollectorStatus, aggregate, parse
from rackwatt_operator.status.conditions import matched
from rackwatt_operator.status.inputs import StatusInputs
from tests.cluster.clients import Manifest
from tests.operator.kube_user import binding, fleet

NOW = datetime(2026, 7, 1, tzinfo=UTC)
STRANGERS = {
    "targets": 5,
    "first_targets": [f"n{number}.example" for number in range(5)],
    "nodes": 700,
    "first_nodes": ["n0", "n1"],
}


def collectors(*unmatched: Any) -> CollectorStatus:
    """Add up the answers of collectors, each of which compared names."""
    answers = [
        parse(msgspec.json.encode({"schedulers": [{"name": "prod", "up": True, "unmatched": one}]}))
        for one in unmatched
    ]
    return aggregate(answers, 10)


def found(collectors: CollectorStatus | None, manifest: Manifest | None = None) -> StatusInputs:
    document = parse_document(manifest or fleet("lab", "centre"), "").document
    return StatusInputs(document, (), (), None, frozenset(), MONITORING, collectors=collectors)


def test_matched_names_nodes_unknown_to_the_scheduler_and_the_field_that_helps() -> None:
    (claim,) = matched(found(collectors(STRANGERS)))
    assert (claim.type, claim.status, claim.reason) == ("Matched", "False", "NamesUnmatched")
    for words in ("prod does not know 5 nodes", "n0.example", "and 2 more", "n1 that", "nodeName"):
        assert words in claim.message


def test_matched_is_true_when_all_names_match() -> None:
    (claim,) = matched(
        found(collectors({"targets": 0, "nodes": 3, "first_nodes": ["x", "y", "z"]}))
    )
    assert (claim.status, claim.reason) == ("True", "Matched")


@pytest.mark.parametrize("answers", [None, collectors(), collectors(None)])
def test_matched_is_absent_where_nothing_was_compared(answers: CollectorStatus | None) -> None:
    assert not list(matched(found(answers)))


def test_matched_is_absent_from_a_binding() -> None:
    assert not list(matched(found(collectors(STRANGERS), binding("prod", "centre"))))


def test_matched_counts_unknown_nodes_of_one_shard_and_ready_ignores_them() -> None:
    written = build_status(found(collectors({"targets": 0}, STRANGERS)), {}, 1, NOW)
    conditions = {one["type"]: one for one in written["conditions"]}
    assert conditions["Matched"]["status"] == "False"
    assert conditions["Ready"]["reason"] != "NamesUnmatched"
