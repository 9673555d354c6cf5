"""Metrics of the process, compared with those of Prometheus' own client library."""

import gc
import os
import resource
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, GCCollector, Metric, ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from rackwatt_exporter.exposition.exporter import process_text
from rackwatt_exporter.metrics import process_collector as usage

MIB = 1024 * 1024
# How far apart two looks may be, one right after the other.
MOVED = {
    "process_cpu_seconds_total": 60.0,
    "process_resident_memory_bytes": 64 * MIB,
    "process_virtual_memory_bytes": 64 * MIB,
    "process_start_time_seconds": 0.01,
    "process_open_fds": 2,  # the folder itself
    "process_max_fds": 0,
    "python_gc_collections_total": 100,
    "python_gc_objects_collected_total": 1_000_000,
    "python_gc_objects_uncollectable_total": 0,
}


def samples(families: list[Metric]) -> dict[tuple[str, str, str], float]:
    return {
        (family.type, sample.name, sample.labels.get("generation", "")): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def librarys() -> list[Metric]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return list(registry.collect())


@pytest.mark.parametrize(("form", "parse"), [(False, plain), (True, openmetrics)])
def test_process_metrics_equal_those_of_the_client_library(
    form: bool, parse: Callable[[str], list[Metric]]
) -> None:
    library, own = samples(librarys()), samples(list(parse(process_text(form))))
    assert own.keys() == library.keys()
    for (kind, name, generation), value in own.items():
        expected = library[kind, name, generation]
        assert value == pytest.approx(expected, abs=MOVED[name]), (name, generation)
        assert value > 0 or name.startswith("python_gc_objects")


def test_process_metrics_follow_allocated_memory_and_opened_descriptors() -> None:
    before = samples(list(plain(process_text(False))))
    held, opened = bytearray(os.urandom(1)) * (256 * MIB), os.open("/", os.O_RDONLY)
    after = samples(list(plain(process_text(False))))
    os.close(opened)
    gauges = ("gauge", "process_resident_memory_bytes", ""), ("gauge", "process_open_fds", "")
    memory, descriptors = (after[key] - before[key] for key in gauges)
    assert memory == pytest.approx(len(held), rel=0.25)
    assert descriptors == 1


def test_process_metrics_count_objects_of_the_garbage_collector() -> None:
    def collected() -> float:
        return samples(list(plain(process_text(False))))[
            "counter", "python_gc_objects_collected_total", "2"
        ]

    before = collected()
    gc.disable()  # until all of it is there to be found at once
    for _ in range(1000):
        loop: list[object] = []
        loop.append(loop)
    del loop  # the last one, too
    gc.enable()
    gc.collect()
    assert collected() - before >= 1000


def test_process_max_fds_is_infinity_without_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert "process_max_fds +Inf\n" in process_text(False)


def test_process_open_fds_counts_entries_of_a_folder_without_a_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage, "_DESCRIPTORS", "/proc/self/ns")  # has no size, but an entry each
    assert f"process_open_fds {len(os.listdir('/proc/self/ns'))}\n" in process_text(False)


def test_process_open_fds_is_absent_if_the_kernel_does_not_report_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage, "_DESCRIPTORS", "/proc/self/none")
    assert "process_open_fds" not in process_text(False)
    assert "process_max_fds" in process_text(False)
