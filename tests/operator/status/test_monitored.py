"""Monitored and Scraped say that something was made only when it was seen."""

import pytest

from rackwatt_crds.loading import parse_document
from rackwatt_operator.manifests.params import MONITORING
from rackwatt_operator.status.collector_status import CollectorStatus, aggregate, parse
from rackwatt_operator.status.conditions import monitored, scraped
from rackwatt_operator.status.inputs import StatusInputs
from rackwatt_operator.status.selection import Selection
from tests.operator.kube_user import fleet


def found(
    selection: Selection | None,
    paused: bool = False,
    rules: Selection | None = None,
    collectors: CollectorStatus | None = None,
) -> StatusInputs:
    document = parse_document(fleet("lab", "centre", paused=paused), "").document
    kinds = frozenset({"ConfigMap", *MONITORING})
    return StatusInputs(
        document,
        (),
        (),
        None,
        kinds,
        MONITORING,
        selection=selection,
        rules=rules,
        collectors=collectors,
    )


@pytest.mark.parametrize(("paused", "reason"), [(False, "NotCreated"), (True, "Paused")])
def test_what_is_planned_and_was_not_made_is_not_called_made(paused: bool, reason: str) -> None:
    claims = monitored(found(None, paused)), scraped(found(None, paused))
    assert [(one.status, one.reason) for one in claims] == [("False", reason), ("Unknown", reason)]


def test_what_was_made_before_a_pause_is_still_there() -> None:
    claim = monitored(found(Selection(0), paused=True))
    assert (claim.status, claim.reason) == ("True", "Monitored")
    assert claim.message == "PrometheusRule and ServiceMonitor created"


TAKEN = Selection(1, ["Prometheus m/main"])
WANTING = Selection(1, (), ["Prometheus m/main wants label release=kps on it"])


def test_rules_that_no_prometheus_takes_are_said_with_the_label_that_is_wanted() -> None:
    claim = monitored(found(TAKEN, rules=WANTING))
    assert (claim.status, claim.reason) == ("True", "RulesNotSelected")
    assert "wants label release=kps" in claim.message
    assert "spec.monitoring.rules.labels" in claim.message


@pytest.mark.parametrize("rules", [None, Selection(0), TAKEN])
def test_rules_that_are_taken_or_of_which_nothing_is_known_change_nothing(
    rules: Selection | None,
) -> None:
    assert monitored(found(TAKEN, rules=rules)).reason == "Monitored"


def heard(*scraped: str) -> CollectorStatus:
    """Add up what collectors report of their scrapes; an empty text is one that does not respond."""
    bodies = [f'{{"scraped": {one}}}' if one else "" for one in scraped]
    return aggregate([parse(body.encode()) for body in bodies], 10)


@pytest.mark.parametrize("selection", [TAKEN, WANTING, Selection(0), None])
def test_collectors_that_are_scraped_are_so_whoever_does_it(selection: Selection | None) -> None:
    collectors = heard('{"by": "vm_promscrape", "age_s": 5}', '{"by": "Alloy/v1", "age_s": 599}')
    claim = scraped(found(selection, collectors=collectors))
    assert (claim.status, claim.message) == ("True", "by Alloy/v1; vm_promscrape")


def test_how_many_are_scraped_is_said_where_not_all_are() -> None:
    collectors = heard('{"by": "Prometheus/3.5.0", "age_s": 5}', "null", "")
    assert (
        scraped(found(TAKEN, collectors=collectors)).message
        == "by Prometheus/3.5.0 (1 of 3 collectors)"
    )


@pytest.mark.parametrize(
    ("selection", "collectors", "reason", "words"),
    [
        (TAKEN, None, "Selected", "no collector reports"),
        (TAKEN, heard(""), "Selected", "no collector reports"),
        (TAKEN, heard("null"), "Selected", "not been scraped for 10 minutes"),
        (TAKEN, heard('{"by": "Prometheus/3", "age_s": 601}'), "Selected", "NetworkPolicy"),
        (Selection(0), heard("null"), "NoPrometheus", "VictoriaMetrics"),
        (Selection(0), None, "NoPrometheus", "in a namespace that it does not watch"),
    ],
)
def test_what_cannot_be_known_of_scrapes_is_unknown_with_the_reason(
    selection: Selection, collectors: CollectorStatus | None, reason: str, words: str
) -> None:
    claim = scraped(found(selection, collectors=collectors))
    assert (claim.status, claim.reason) == ("Unknown", reason)
    assert words in claim.message


def test_a_prometheus_that_does_not_select_it_is_the_reason_where_nobody_scrapes() -> None:
    claim = scraped(found(WANTING, collectors=heard("null")))
    assert (claim.status, claim.reason) == ("False", "NotSelected")
