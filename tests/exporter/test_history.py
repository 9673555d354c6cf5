import math
import tracemalloc

from rackwatt_exporter.history import STEPS, History
from rackwatt_exporter.reading import ReadError, Reading, Reason
from tests.exporter.store.test_targets import Bench, target


def test_the_history_starts_empty_and_has_each_sample_and_their_sum() -> None:
    bench = Bench("a", "b")
    history = History(bench.store)
    assert history.watts("a") == history.watts(None) == []
    bench.store.succeeded("a", Reading(300.04, "dcmi"), 0.01)
    history.sample()
    bench.store.succeeded("a", Reading(310.0, "dcmi"), 0.01)
    bench.store.succeeded("b", Reading(90.0, "dcmi"), 0.01)
    history.sample()
    assert history.watts("a") == [300.0, 310.0]
    assert history.watts("b") == [90.0]
    assert history.watts(None) == [300.0, 400.0]
    assert history.watts("nobody") == []


def test_the_history_has_a_gap_and_no_zero_without_a_fresh_reading() -> None:
    bench = Bench("a", stale_after_s=30)
    history = History(bench.store)
    for step in range(4):
        if step != 2:
            bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
        history.sample()
        bench.now_s += 31
    assert history.watts("a") == [300, 300, None, 300]
    assert history.watts(None) == [300, 300, None, 300]
    bench.store.failed("a", ReadError(Reason.POWERED_OFF, "off"), 0.01)
    history.sample()
    assert history.watts("a")[-1] is None


def test_the_history_keeps_one_hour_oldest_first() -> None:
    bench = Bench("a")
    history = History(bench.store)
    for step in range(STEPS + 7):
        bench.store.succeeded("a", Reading(float(step), "dcmi"), 0.01)
        history.sample()
    assert history.watts("a") == [float(step) for step in range(7, STEPS + 7)]


def test_the_history_drops_a_removed_target() -> None:
    bench = Bench("a", "b")
    history = History(bench.store)
    bench.store.succeeded("a", Reading(300.0, "dcmi"), 0.01)
    history.sample()
    bench.store.sync([target("b")])
    history.sample()
    bench.store.sync([target("a"), target("b")])
    history.sample()
    assert history.watts("a") == []


def test_the_history_takes_less_than_a_kibibyte_for_each_target() -> None:
    bench = Bench(*(f"n{number}" for number in range(2000)))
    history = History(bench.store)
    tracemalloc.start()
    for _ in range(STEPS + 1):
        history.sample()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / 2000 < 1024
    assert math.isnan(history._sum[0])
