"""The family of how much of each limit is used."""

from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.limit_usage import samples


def series(*usages: LimitUsage) -> dict[tuple[str, ...], float]:
    snapshot = SchedulerSnapshot({}, limit_usage=usages)
    return {one.labels: one.value for one in samples(snapshot)}


def test_the_use_of_a_limit_is_a_part_of_it_and_may_be_more_than_all() -> None:
    assert series(
        LimitUsage("cpus", 6, 8, "physics"),
        LimitUsage("running_jobs", 4, 3, user="bob", qos="gold"),
        LimitUsage("nodes", 0, 2, qos="gold"),
    ) == {
        ("physics", "", "", "", "cpus"): 0.75,
        ("", "bob", "", "gold", "running_jobs"): 4 / 3,
        ("", "", "", "gold", "nodes"): 0,
    }


def test_a_limit_of_zero_has_no_part_and_what_is_not_known_has_no_series() -> None:
    assert series(LimitUsage("cpus", 0, 0, "closed")) == {}
    assert list(samples(SchedulerSnapshot({}))) == []
