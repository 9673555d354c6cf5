"""Families of limits of QOS."""

from rackwatt_exporter.schedulers.model.qos_limit import QosLimit
from rackwatt_exporter.schedulers.model.resources import Gres
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.qos_limits import samples

GIB = 2**30


def test_each_limit_has_its_family_in_base_units_and_says_whose_jobs_it_is_for() -> None:
    limit = QosLimit("gold", "user", 1, GIB, 2, (Gres("gpu", 4), Gres("gpu", 2, "h100")), 3, 4)
    found = list(samples(SchedulerSnapshot({}, qos_limits=(limit,))))
    prefix = "rackwatt_scheduler_qos_limit_"
    assert [(one.family.name.removeprefix(prefix), one.labels, one.value) for one in found] == [
        ("cpus", ("gold", "user"), 1),
        ("memory_bytes", ("gold", "user"), GIB),
        ("nodes", ("gold", "user"), 2),
        ("running_jobs", ("gold", "user"), 3),
        ("submitted_jobs", ("gold", "user"), 4),
        ("gres", ("gold", "user", "gpu", ""), 4),
        ("gres", ("gold", "user", "gpu", "h100"), 2),
    ]


def test_limits_that_there_are_not_or_that_are_not_known_have_no_series() -> None:
    for limits in (None, (), (QosLimit("gold", "qos"),)):
        assert list(samples(SchedulerSnapshot({}, qos_limits=limits))) == []
