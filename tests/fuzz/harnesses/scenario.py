"""Scenarios of a simulated fleet: faults that can be, or what is wrong and where."""

from rackwatt_exporter.simulator import scenario
from rackwatt_exporter.simulator.fleet import racks
from rackwatt_exporter.simulator.runner import by_method
from rackwatt_exporter.simulator.scenario import ScenarioError
from rackwatt_exporter.simulator.vendors import VENDORS

_MACHINES = by_method(racks(60))
_ADDRESSES = {machine.address for each in _MACHINES.values() for machine in each}


def examine(data: bytes) -> None:
    """Read any file, and cast its faults."""
    try:
        found = scenario.faults(scenario.parse(data), _MACHINES)
    except ScenarioError as error:
        assert str(error)
        return
    assert found.keys() <= _ADDRESSES
    for fault in found.values():
        for share in (fault.loss, fault.duplication, fault.reordering, fault.garbage):
            assert 0 <= share <= 1
        for time_s in (fault.latency_s, fault.slow_s, fault.restart_every_s, fault.down_s):
            assert 0 <= time_s < float("inf")
        assert fault.vendor in (None, *VENDORS.values())
        assert fault.sessions is None or fault.sessions >= 0
