"""Families of queues."""

from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views import queues


def numbers(*known: Queue) -> dict[tuple[str, ...], float]:
    return {
        (family.name.removeprefix("rackwatt_scheduler_partition_"), *labels): number
        for family, labels, number in queues.samples(SchedulerSnapshot({}, queues=known))
    }


def test_a_queue_has_its_state_what_its_nodes_have_and_its_limits() -> None:
    total = Resources(24, 2**30, (Gres("gpu", 12, "h100"), Gres("shard", 4)))
    assert numbers(Queue("gpu", "drain", 3, total, 3600, 2)) == {
        ("state", "gpu", "drain"): 1,
        ("nodes", "gpu"): 3,
        ("cpus", "gpu"): 24,
        ("memory_bytes", "gpu"): 2**30,
        ("gpus", "gpu", "h100"): 12,
        ("max_time_seconds", "gpu"): 3600,
        ("max_nodes", "gpu"): 2,
    }


def test_what_was_not_reported_and_a_limit_that_is_none_have_no_series() -> None:
    assert numbers(Queue("batch", "up", 0)) == {("state", "batch", "up"): 1, ("nodes", "batch"): 0}
    assert list(queues.samples(SchedulerSnapshot({}))) == []
