"""Pinned states."""

from rackwatt_exporter.config.scheduler import NoopOptions
from rackwatt_exporter.schedulers.noop import Noop


async def test_the_states_are_those_of_the_document() -> None:
    scheduler = Noop(NoopOptions((("n1", "allocated"), ("n2", "drained"))))
    assert (await scheduler.read()).states == {"n1": "allocated", "n2": "drained"}
    await scheduler.close()
