from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.targets import TargetRecord, TargetStore


class Bench:
    """A store with a clock of its own, which records its changes."""

    def __init__(self, *nodes: str, stale_after_s: float = 30) -> None:
        self.now_s = 100.0
        self.ledger = LedgerFile(None)
        self.store = TargetStore(self.ledger, lambda: self.now_s, lambda: self.now_s)
        self.store.sync([target(node, stale_after_s=stale_after_s) for node in nodes])
        self._seen = self.store.revision

    def __getitem__(self, node: str) -> TargetRecord:
        return self.store.records[node]

    def changed(self) -> list[str]:
        """Return what has changed since this was last called."""
        since, self._seen = self._seen, self.store.revision
        return [node for node, record in self.store.records.items() if record.revision > since]

    def reading(self, node: str) -> Reading | None:
        return self[node].value


def target(node: str, **more: object) -> Target:
    return Target(node, node, "fake", FakeOptions(), "lab", **more)  # type: ignore[arg-type]


def timeout() -> ReadError:
    return ReadError(Reason.TIMEOUT, "no answer")


def test_the_target_store_keeps_a_reading_with_its_age_and_reports_a_change() -> None:
    bench = Bench("a", "b")
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    bench.now_s += 5
    record = bench["a"]
    assert record.up
    assert record.value == Reading(300.0, "dcmi")
    assert record.age_s(bench.now_s) == 5
    assert (record.reads, record.took_s) == (1, 0.01)
    assert bench.changed() == ["a"]


def test_the_target_store_has_no_value_before_the_first_reading() -> None:
    record = Bench("a")["a"]
    assert (record.up, record.value, record.age_s(100)) == (False, None, None)


def test_the_target_store_withdraws_a_reading_after_a_failure_once_it_is_stale() -> None:
    bench = Bench("a")
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    bench.now_s += 20
    bench.store.failed("a", timeout(), 1.0)
    assert not bench["a"].up
    assert bench.reading("a") == Reading(300.0, "dcmi")
    bench.now_s += 20
    bench.store.failed("a", timeout(), 1.0)
    assert bench.reading("a") is None
    assert bench["a"].age_s(bench.now_s) == 40
    assert bench["a"].errors == {Reason.TIMEOUT: 2}
    assert bench["a"].failing_since_s == 120


def test_the_target_store_withdraws_a_stale_reading_without_any_result() -> None:
    bench = Bench("a")
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    bench.now_s += 30
    bench.store.withdraw_stale()
    assert bench.reading("a") == Reading(300.0, "dcmi")
    bench.now_s += 0.1
    bench.changed()
    bench.store.withdraw_stale()
    bench.store.withdraw_stale()
    assert bench.reading("a") is None
    assert bench.changed() == ["a"]


def test_the_target_store_withdraws_the_watts_of_a_machine_that_is_powered_off() -> None:
    bench = Bench("a")
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    bench.store.failed("a", ReadError(Reason.POWERED_OFF, "off"), 0.01)
    assert bench.reading("a") is None
    bench.now_s += 20
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    assert bench.store.account("a").joules == 0


def test_the_target_store_drops_results_of_a_removed_node() -> None:
    bench = Bench("a")
    assert bench.store.sync([target("b")]) == {"a"}
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    bench.store.failed("a", timeout(), 0.01)
    assert list(bench.store.records) == ["b"]


def test_the_target_store_keeps_reading_and_counters_under_new_labels() -> None:
    bench = Bench("a", "b")
    for node in ("a", "b"):
        bench.store.succeeded(node, Reading(300.0, "dcmi"), 0.01)
    bench.changed()
    bench.store.sync([target("a", stale_after_s=30.0), target("b", rack="r9", stale_after_s=30.0)])
    assert bench.changed() == ["b"]
    assert bench["b"].spec.rack == "r9"
    assert bench["b"].value == Reading(300.0, "dcmi")
    assert bench["b"].reads == 1


def test_the_target_store_continues_the_account_of_a_node_that_returns() -> None:
    bench = Bench("a")
    bench.store.succeeded("a", Reading(300.0, "dcmi", joules=7e6), 0.01)
    bench.store.sync([])
    bench.store.sync([target("a")])
    assert bench.store.account("a").joules == 7e6


def test_the_target_store_reports_a_changed_state_once() -> None:
    bench = Bench("a")
    news = []
    for state in ("idle", "idle", None):
        bench.store.set_state("a", state)
        news.append(bench.changed())
    assert news == [["a"], [], ["a"]]
