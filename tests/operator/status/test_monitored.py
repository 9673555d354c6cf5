"""Monitored and Scraped say that something was made only when it was seen."""

import pytest

from rackwatt_crds.loading import judge
from rackwatt_operator.plan.facts import MONITORING
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.monitored import monitored
from rackwatt_operator.status.scraped import scraped
from rackwatt_operator.status.selection import Selection
from tests.operator.hands import fleet


def found(selection: Selection | None, paused: bool = False) -> Findings:
    document = judge(fleet("lab", "centre", paused=paused), "").document
    kinds = frozenset({"ConfigMap", *MONITORING})
    return Findings(document, (), (), None, kinds, MONITORING, selection=selection)


@pytest.mark.parametrize(("paused", "reason"), [(False, "NotMade"), (True, "Paused")])
def test_what_is_planned_and_was_not_made_is_not_called_made(paused: bool, reason: str) -> None:
    claims = monitored(found(None, paused)), scraped(found(None, paused))
    assert [(one.status, one.reason) for one in claims] == [("False", reason), ("Unknown", reason)]


def test_what_was_made_before_a_pause_is_still_there() -> None:
    claim = monitored(found(Selection(0), paused=True))
    assert (claim.status, claim.reason) == ("True", "Monitored")
    assert claim.message == "PrometheusRule and ServiceMonitor made"
