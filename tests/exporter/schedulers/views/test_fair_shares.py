"""Families of fair shares."""

import math

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.fair_shares import FAMILIES, samples
from rackwatt_exporter.schedulers.views.render import render

PREFIX = "rackwatt_scheduler_fairshare_"


def page(*shares: FairShare) -> dict[str, dict[tuple[str, str], float]]:
    """Return each family's values by account and user, as a client reads OpenMetrics."""
    snapshot = SchedulerSnapshot({}, fairshare=shares)
    lines = render(("prod", "alpha"), samples(snapshot), None)
    text = "".join(family.header(True) + "".join(of) for family, of in lines.items())
    return {
        family.name.removeprefix(PREFIX): {
            (one.labels["account"], one.labels["user"]): one.value for one in family.samples
        }
        for family in text_string_to_metric_families(f"{text}# EOF\n")
    }


def test_an_account_without_a_factor_has_no_series_of_it_rather_than_zero() -> None:
    found = page(
        FairShare("physics", "", "", "root", 10, 0.9, 43, 1.0, None, 0.9),
        FairShare("physics", "bob", "", "", 5, 0.1, 21, 0.5, 0.14, 0.2),
    )
    assert found["factor"] == {("physics", "bob"): 0.14}
    assert found["level"] == {("physics", ""): 0.9, ("physics", "bob"): 0.2}
    assert found["shares"] == {("physics", ""): 10, ("physics", "bob"): 5}
    assert found["shares_ratio"] == {("physics", ""): 0.9, ("physics", "bob"): 0.1}
    assert found["usage_seconds"] == {("physics", ""): 43, ("physics", "bob"): 21}
    assert found["usage_ratio"] == {("physics", ""): 1.0, ("physics", "bob"): 0.5}
    assert len(found) == len(FAMILIES)


def test_a_level_without_usage_is_infinite() -> None:
    assert page(FairShare("a", "bob", level="inf")) == {"level": {("a", "bob"): math.inf}}


def test_an_infinite_level_is_written_as_prometheus_does() -> None:
    snapshot = SchedulerSnapshot({}, fairshare=(FairShare("a", level="inf"),))
    ((line,),) = render(("prod", "alpha"), samples(snapshot), None).values()
    assert line.endswith("} +Inf\n")


def test_fair_shares_that_are_not_known_have_no_series() -> None:
    assert list(samples(SchedulerSnapshot({}))) == []
