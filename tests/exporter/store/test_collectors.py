import logging
import math

import msgspec
import pytest

from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.reading import (
    WHOLE_NODE,
    DomainPower,
    EnergyCounter,
    ReadError,
    Reason,
)
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile

AMISS = ReadError(Reason.SENSOR_UNREADABLE, "package-1: Input/output error")


class Node:
    """A machine with its own clock, and rapl readings that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0
        ledger = LedgerFile(None)
        self.meters = ledger.counters
        self.machine = CollectorStore("n1", ledger, lambda: self.now_s, lambda: self.now_s)
        self.machine.sync([CollectorConfig("rapl", "nodes"), CollectorConfig("cpu", "nodes")])
        self.rapl = self.machine.records["rapl"]

    def answer(self) -> CollectorResult | None:
        return self.rapl.value

    def find(self, *joules: float, amiss: ReadError | None = None, core: float = 0.0) -> None:
        """Deliver a reading, ten seconds after the one before."""
        self.now_s += 10
        packages = [
            EnergyCounter("package", f"package-{index}", value, 262143.0, additive=True)
            for index, value in enumerate(joules)
        ]
        part = EnergyCounter("core", "package-0/core", core, 262143.0, additive=False)
        self.machine.succeeded("rapl", CollectorResult((), (*packages, part), amiss), 0.001)


def test_the_collector_store_adds_up_watts_once_every_domain_is_known() -> None:
    node = Node()
    node.find(0.0, 50.0)
    assert node.machine.watts(node.rapl) is None
    node.find(1000.0, 550.0, core=900.0)
    assert node.machine.watts(node.rapl) == pytest.approx(150.0)
    node.find(2000.0, 550.0, core=1800.0)  # one did not advance: no partial sum
    assert node.machine.watts(node.rapl) is None
    assert set(node.meters) == {"rapl/package-0", "rapl/package-1", "rapl/package-0/core"}


def test_the_collector_store_adds_up_watts_where_what_cannot_be_read_is_no_part_of_the_sum() -> (
    None
):
    node = Node()
    psys, package = ReadError(Reason.BAD_REPLY, "psys"), ReadError(Reason.BAD_REPLY, "package-1")
    for joules in (0.0, 1000.0):
        node.find(joules, joules, amiss=psys)
    assert node.machine.watts(node.rapl) is None  # it may be any part
    value = node.rapl.value
    assert value is not None
    for lacking, error in (({"package"}, package), (set(), psys)):
        whole = msgspec.structs.replace(value, lacking=frozenset(lacking), error=error)
        node.rapl.value = whole
        watts = node.machine.watts(node.rapl)
        assert (watts is None) is bool(lacking)


def test_the_collector_store_has_the_watts_of_a_platform_with_many_accelerators() -> None:
    node = Node()
    for joules in (0.0, 102_000.0):
        node.now_s += 10
        psys = EnergyCounter("psys", "psys", joules, 2.0**32, additive=False, max_watts=50_000.0)
        node.machine.succeeded("rapl", CollectorResult((), (psys,)), 0.001)
    assert node.meters["rapl/psys"].watts == pytest.approx(10_200.0)


def test_the_collector_store_keeps_an_error_beside_a_partial_result(
    caplog: pytest.LogCaptureFixture,
) -> None:
    node = Node()
    node.find(0.0)
    with caplog.at_level(logging.WARNING):
        for turn in range(1, 4):
            node.find(1000.0 * turn, amiss=AMISS)
    assert (node.rapl.up, node.rapl.failing_since_s) == (False, 120.0)  # since it began
    assert node.rapl.value is not None
    assert node.rapl.errors == {Reason.SENSOR_UNREADABLE: 3}
    assert node.machine.watts(node.rapl) is None
    assert [record.message for record in caplog.records] == [f"sensor_unreadable: {AMISS}"]
    node.find(4000.0)
    assert (node.rapl.up, node.rapl.failing_since_s) == (True, None)


def test_the_collector_store_keeps_a_reading_after_a_failure_until_it_is_stale() -> None:
    node = Node()
    node.find(0.0)
    node.find(1000.0)
    node.now_s += 80
    node.machine.failed("rapl", AMISS, 0.1)
    assert node.answer() is not None
    node.now_s += 11
    node.machine.failed("rapl", AMISS, 0.1)
    assert node.answer() is None
    assert node.rapl.age_s(node.now_s) == 91.0


def test_the_collector_store_keeps_the_counter_of_a_collector_that_is_removed_and_added() -> None:
    node = Node()
    node.find(0.0)
    node.find(1000.0)
    node.machine.sync([CollectorConfig("cpu", "nodes")])
    node.machine.succeeded("rapl", CollectorResult(), 0.1)  # one that was under way
    assert set(node.machine.records) == {"cpu"}
    node.machine.sync([CollectorConfig("rapl", "nodes")])
    node.find(2000.0)
    assert node.meters["rapl/package-0"].joules == pytest.approx(2000.0)


def test_the_collector_store_uses_the_first_scheduler_that_a_document_names() -> None:
    node = Node()
    assert node.machine.scheduler is None
    node.machine.sync([CollectorConfig("cpu", "a"), CollectorConfig("rapl", "b", scheduler="prod")])
    assert node.machine.scheduler == "prod"


def test_the_collector_store_integrates_power_that_has_no_counter() -> None:
    node = Node()
    for watts in (400.0, 500.0):
        node.now_s += 10
        powers = (DomainPower(WHOLE_NODE, "dcmi", watts), DomainPower("fan", "fans", 40.0))
        node.machine.succeeded("rapl", CollectorResult(powers=powers), 0.001)
    assert node.machine.watts(node.rapl) == 500.0  # the fans are a part of the node
    node.machine.succeeded("rapl", CollectorResult(powers=powers[:1], error=AMISS), 0.001)
    assert node.machine.watts(node.rapl) == 500.0  # without them, too
    account = node.machine.account("rapl", DomainPower(WHOLE_NODE, "dcmi", 0.0))
    assert (account.joules, account.covered_s) == (4500.0, 10.0)


def test_the_collector_store_prefers_the_counter_of_a_bmc_to_its_watts() -> None:
    node = Node()
    for joules in (3.6e6, 3.6e6 + 6000):
        node.now_s += 10
        power = DomainPower(WHOLE_NODE, "bmc", 400.0, joules=joules)
        node.machine.succeeded("rapl", CollectorResult(powers=(power,)), 0.001)
    assert node.machine.watts(node.rapl) == 400.0
    assert node.machine.account("rapl", DomainPower(WHOLE_NODE, "bmc", 0.0)).joules == 3_606_000.0


def test_the_collector_store_books_nothing_for_a_gpu_whose_driver_was_reloaded() -> None:
    node = Node()
    watts = []
    for joules in (184e6, 184e6 + 3000, 500.0, 3500.0):  # since boot; then since the reload
        node.now_s += 10
        gpu = EnergyCounter("gpu", "GPU-1", joules, math.inf, additive=True, max_watts=4000.0)
        node.machine.succeeded("rapl", CollectorResult((), (gpu,)), 0.001)
        watts.append(node.meters["rapl/GPU-1"].watts)
    assert watts == [None, 300.0, None, 300.0]
    assert node.meters["rapl/GPU-1"].joules == pytest.approx(6000.0)
