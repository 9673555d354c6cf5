"""Monitored and Scraped are true only when the object or the scrape was observed."""

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
def test_monitored_is_not_true_before_the_objects_exist(paused: bool, reason: str) -> None:
    claims = monitored(found(None, paused)), scraped(found(None, paused))
    assert [(one.status, one.reason) for one in claims] == [("False", reason), ("Unknown", reason)]


def test_monitored_stays_true_in_a_pause_if_the_objects_exist() -> None:
    claim = monitored(found(Selection(0), paused=True))
    assert (claim.status, claim.reason) == ("True", "Monitored")
    assert claim.message == "PrometheusRule and ServiceMonitor created"


TAKEN = Selection(1, ["Prometheus m/main"])
WANTING = Selection(1, (), ["Prometheus m/main wants label release=kps on it"])


def test_monitored_names_the_label_that_unselected_rules_lack() -> None:
    claim = monitored(found(TAKEN, rules=WANTING))
    assert (claim.status, claim.reason) == ("True", "RulesNotSelected")
    assert "wants label release=kps" in claim.message
    assert "spec.monitoring.rules.labels" in claim.message


@pytest.mark.parametrize("rules", [None, Selection(0), TAKEN])
def test_monitored_ignores_rules_that_are_selected_or_unknown(
    rules: Selection | None,
) -> None:
    assert monitored(found(TAKEN, rules=rules)).reason == "Monitored"


def heard(*scraped: str) -> CollectorStatus:
    """Add up what collectors report of their scrapes; an empty text is one that does not respond."""
    bodies = [f'{{"scraped": {one}}}' if one else "" for one in scraped]
    return aggregate([parse(body.encode()) for body in bodies], 10)


@pytest.mark.parametrize("selection", [TAKEN, WANTING, Selection(0), None])
def test_scraped_is_true_for_any_scraper(selection: Selection | None) -> None:
    collectors = heard('{"by": "vm_promscrape", "age_s": 5}', '{"by": "Alloy/v1", "age_s": 599}')
    claim = scraped(found(selection, collectors=collectors))
    assert (claim.status, claim.message) == ("True", "by Alloy/v1; vm_promscrape")


def test_scraped_counts_the_collectors_when_some_are_not_scraped() -> None:
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
def test_scraped_is_unknown_with_a_reason_where_no_collector_reports_scrapes(
    selection: Selection, collectors: CollectorStatus | None, reason: str, words: str
) -> None:
    claim = scraped(found(selection, collectors=collectors))
    assert (claim.status, claim.reason) == ("Unknown", reason)
    assert words in claim.message


def test_scraped_is_not_selected_when_no_scraper_comes_and_prometheus_does_not_select() -> None:
    claim = scraped(found(WANTING, collectors=heard("null")))
    assert (claim.status, claim.reason) == ("False", "NotSelected")
