import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_crds.node.units import SlurmUnits
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.collectors.registry import collector_families
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.energy import EnergyConfig
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.config.lustre import LustreConfig, LustreOptions
from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.scheduler import (
    MetricsOptions,
    PerJobOptions,
    SchedulerConfig,
    TracingOptions,
)
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.exposition.exporter import document_text, process_text
from rackwatt_exporter.exposition.families import COVERED, ENERGY
from rackwatt_exporter.exposition.fleet import FleetExposition
from rackwatt_exporter.grid.base import CarbonIntensity
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.pipelines.collectors import CollectorPipeline
from rackwatt_exporter.pipelines.energy.pipeline import EnergyPipeline, EnergyStore
from rackwatt_exporter.pipelines.energy.source import EnergyView, UnitEnergy
from rackwatt_exporter.pipelines.families import all_families
from rackwatt_exporter.pipelines.grid import GridPipeline
from rackwatt_exporter.pipelines.lustre import LustrePipeline, LustreStore
from rackwatt_exporter.pipelines.pipeline import Pipeline
from rackwatt_exporter.pipelines.schedulers import SchedulerPipeline
from rackwatt_exporter.pipelines.units import UnitPipeline
from rackwatt_exporter.reading import (
    EnergyCounter,
    Members,
    ReadError,
    Reading,
    Reason,
    Statistics,
)
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.store import Store
from rackwatt_exporter.store.targets import TargetStore
from rackwatt_exporter.store.units import UnitStore
from rackwatt_exporter.units.model import UnitsResult
from tests.exporter.lustre import captured
from tests.exporter.schedulers.snapshots import full_snapshot, snapshot
from tests.exporter.units.readings import full_reading

METRICS = MetricsOptions(per_job=PerJobOptions(enabled=True))
PROD = SchedulerConfig(
    "prod", "prod", "alpha", "slurm", Slurm(),
    stale_after_s=60, metrics=METRICS, tracing=TracingOptions(enabled=True),
)  # fmt: skip
OURS = ("rackwatt_", "node_")  # slurm_* are those of Slurm alone


class Site:
    """Stores, pipelines and the exposition with a clock of their own."""

    def __init__(self, *targets: Target, profiles: tuple[str, ...] = ("power-exporter",)) -> None:
        self.now_s = 1000.0
        ledger = LedgerFile(None)
        self.store = TargetStore(ledger, self.clock, self.clock)
        self.schedulers = NodeStateStore(self.store, self.clock)
        self.machine = CollectorStore("inside", ledger, self.clock, self.clock)
        self.units = UnitStore("inside", self.clock)
        self.grids: Store[GridConfig, CarbonIntensity] = Store(self.clock)
        self.lustre = LustreStore(self.clock)
        self.energy = EnergyStore(self.units, self.clock)
        self.bindings = SchedulerPipeline(self.schedulers, Secrets(Path()))
        self.pipelines: list[Pipeline[Any, Any]] = [
            self.bindings,
            LustrePipeline(self.lustre, self.schedulers, Secrets(Path())),
            CollectorPipeline(
                self.machine,
                HostPaths("inside"),
                self.schedulers,
                self.store,
                Secrets(Path("/nonexistent")),
            ),
            UnitPipeline(self.units, HostPaths("inside"), self.machine.gpus),
            EnergyPipeline(self.energy, HostPaths("inside"), self.machine, self.units, None),
            GridPipeline(self.grids),
        ]
        self.fleet = FleetExposition(self.store, self.schedulers, profiles)
        self.sync(*targets)
        self.schedulers.sync([PROD])
        self.bindings.traced.sync({"prod": PROD})

    def clock(self) -> float:
        return self.now_s

    def sync(self, *targets: Target) -> None:
        self.store.sync(targets)

    def states(self, **states: str) -> None:
        self.schedulers.succeeded("prod", snapshot(states), 0.1)

    def text(self, openmetrics: bool = False) -> str:
        for store in (self.store, *(pipeline.store for pipeline in self.pipelines)):
            store.withdraw_stale()
        others = [lines for one in self.pipelines for lines in one.families(self.now_s)]
        return b"".join(
            self.fleet.text(self.fleet.snapshot(self.now_s, others), openmetrics)
        ).decode()

    def samples(self, family: str) -> dict[tuple[str, ...], float]:
        """Parse the page as Prometheus would; samples by their label values."""
        return {
            tuple(sample.labels.values()): sample.value
            for metric in parse_text(self.text())
            for sample in metric.samples
            if sample.name == family
        }


def target(node: str, **more: object) -> Target:
    settings = {"type": "compute", "rack": "r1", "scheduler": "prod", **more}
    return Target(node, f"{node}-bmc", "fake", FakeOptions(), "lab", **settings)  # type: ignore[arg-type]


def test_the_exposition_has_a_reading_with_everything_known_of_it() -> None:
    site = Site(target("n1"))
    statistics = Statistics(310.0, 200.0, 400.0, 60.0)
    site.store.succeeded("n1", Reading(300.5, "dcmi", 5e6, statistics), 0.012)
    site.now_s += 2
    n1 = ("n1", "compute", "r1")
    expected = {
        "rackwatt_node_power_watts": {n1: 300.5},
        "rackwatt_node_energy_joules_total": {n1: 5e6},
        "rackwatt_node_energy_covered_seconds_total": {n1: 0},
        "rackwatt_node_power_average_watts": {n1: 310},
        "rackwatt_node_power_minimum_watts": {n1: 200},
        "rackwatt_node_power_maximum_watts": {n1: 400},
        "rackwatt_node_power_window_seconds": {n1: 60},
        "rackwatt_target_up": {("n1",): 1},
        "rackwatt_target_reading_age_seconds": {("n1",): 2},
        "rackwatt_target_read_duration_seconds": {("n1",): 0.012},
        "rackwatt_target_reads_total": {("n1",): 1},
        "rackwatt_target_info": {("n1", "lab", "fake", "n1-bmc", "compute", "r1", "dcmi"): 1},
        "node_power_usage": {n1: 300.5},
    }
    assert {family: site.samples(family) for family in expected} == expected
    assert site.samples("rackwatt_target_errors_total") == {}


def test_the_exposition_counts_members_of_a_sum_that_were_read_and_that_are_missing() -> None:
    site = Site(target("n1"))
    site.store.succeeded("n1", Reading(600.0, "sum", members=Members(2, 2)), 0.01)
    both = {("n1", "expected"): 2.0, ("n1", "read"): 2.0}
    assert site.samples("rackwatt_target_members") == both
    lost = ReadError(Reason.MEMBER_MISSING, "one is gone", members=Members(2, 1))
    site.store.failed("n1", lost, 0.01)
    assert site.samples("rackwatt_target_members") == both | {("n1", "read"): 1.0}
    site.store.succeeded("n1", Reading(600.0, "dcmi"), 0.01)
    assert site.samples("rackwatt_target_members") == {}


def test_the_exposition_has_no_watts_joules_or_age_before_the_first_reading() -> None:
    site = Site(target("n1"))
    site.store.failed("n1", ReadError(Reason.TIMEOUT, "no answer"), 1.0)
    for family in ("node_power_usage", "rackwatt_node_power_watts"):
        assert site.samples(family) == {}
    assert site.samples("rackwatt_node_energy_joules_total") == {}
    assert site.samples("rackwatt_target_reading_age_seconds") == {}
    assert site.samples("rackwatt_target_up") == {("n1",): 0}
    assert site.samples("rackwatt_target_errors_total") == {("n1", "timeout"): 1}


def test_the_exposition_drops_a_stale_reading_and_keeps_its_age_and_joules() -> None:
    site = Site(target("n1", stale_after_s=30.0))
    site.store.succeeded("n1", Reading(300.0, "dcmi", 5e6), 0.01)
    site.now_s += 31
    assert site.samples("node_power_usage") == {}
    assert site.samples("rackwatt_node_power_watts") == {}
    assert site.samples("rackwatt_target_reading_age_seconds") == {("n1",): 31}
    assert list(site.samples("rackwatt_node_energy_joules_total").values()) == [5e6]


def test_the_exposition_has_no_statistics_of_an_earlier_reading() -> None:
    site = Site(target("n1"))
    site.store.succeeded("n1", Reading(300.0, "dcmi", None, Statistics(310.0)), 0.01)
    site.store.succeeded("n1", Reading(300.0, "sensor:PSU1 PIN"), 0.01)
    assert site.samples("rackwatt_node_power_average_watts") == {}


def test_the_exposition_has_the_state_beside_the_power_and_in_the_profile() -> None:
    site = Site(target("n1"), target("n2"), target("n3"), target("pdu1", scheduler=None))
    for node in ("n1", "n2", "n3", "pdu1"):
        site.store.succeeded(node, Reading(300.0, "dcmi"), 0.01)
    site.states(n1="mixed", n2="drained", other="idle")
    assert site.samples("rackwatt_node_state") == {
        ("n1", "prod", "alpha", "mixed"): 1,
        ("n2", "prod", "alpha", "drained"): 1,
    }
    assert set(site.samples("node_power_usage")) == {
        ("n1", "compute", "r1", "allocated"),
        ("n2", "compute", "r1", "drained"),
        ("n3", "compute", "r1"),
        ("pdu1", "compute", "r1"),
    }
    assert site.samples("rackwatt_scheduler_nodes") == {
        ("prod", "alpha", "mixed"): 1,
        ("prod", "alpha", "drained"): 1,
        ("prod", "alpha", "idle"): 1,
    }


def test_the_exposition_drops_states_of_a_silent_scheduler_and_keeps_the_power() -> None:
    site = Site(target("n1", stale_after_s=1000.0))
    site.store.succeeded("n1", Reading(300.0, "dcmi"), 0.01)
    site.states(n1="idle")
    site.now_s += 50
    site.schedulers.failed("prod", ReadError(Reason.TIMEOUT, "no answer"), 1.0)
    assert site.samples("rackwatt_scheduler_up") == {("prod", "alpha"): 0}
    assert ("n1", "compute", "r1", "idle") in site.samples("node_power_usage")
    site.now_s += 11
    assert site.samples("node_power_usage") == {("n1", "compute", "r1"): 300}
    assert site.samples("rackwatt_node_state") == {}
    assert site.samples("rackwatt_scheduler_answer_age_seconds") == {("prod", "alpha"): 61}


def test_the_exposition_has_no_line_of_a_removed_node() -> None:
    site = Site(target("n1"), target("n2"))
    for node in ("n1", "n2"):
        site.store.succeeded(node, Reading(300.0, "dcmi"), 0.01)
    site.sync(target("n2", rack="r7"))
    assert "n1" not in site.text()
    assert site.samples("node_power_usage") == {("n2", "compute", "r7"): 300}


def test_the_exposition_reuses_the_slot_of_a_removed_node_without_a_trace() -> None:
    site = Site(target("n1"), target("n2"))
    for node in ("n1", "n2"):
        site.store.succeeded(node, Reading(100.0, "dcmi", 5.0, Statistics(1.0, 1.0, 1.0, 1.0)), 0.1)
    site.sync(target("n2"))
    site.sync(target("n2"), target("n3"))
    assert site.samples("rackwatt_target_up") == {("n2",): 1, ("n3",): 0}
    assert site.samples("rackwatt_node_power_watts") == {("n2", "compute", "r1"): 100}
    assert "n1" not in site.text()
    site.store.failed("n3", ReadError(Reason.TIMEOUT, "silent"), 0.1)
    site.store.succeeded("n3", Reading(7.0, "dcmi"), 0.1)
    assert site.samples("rackwatt_node_power_watts")["n3", "compute", "r1"] == 7
    assert site.samples("rackwatt_node_power_average_watts") == {("n2", "compute", "r1"): 1}


def test_the_exposition_keeps_joules_of_a_target_that_moved_before_its_next_reading() -> None:
    site = Site(target("n1", stale_after_s=30.0))
    site.store.succeeded("n1", Reading(300.0, "dcmi", 5e6), 0.01)
    site.now_s += 31
    assert site.samples("rackwatt_node_power_watts") == {}
    site.sync(target("n1", stale_after_s=30.0, rack="r7"))
    assert site.samples("rackwatt_node_energy_joules_total") == {("n1", "compute", "r7"): 5e6}


def test_the_exposition_rounds_ages_up() -> None:
    site = Site(target("n1"))
    site.store.succeeded("n1", Reading(300.0, "dcmi"), 0.01)
    site.now_s += 2.0001
    assert site.samples("rackwatt_target_reading_age_seconds") == {("n1",): 2.001}


def test_a_snapshot_of_the_exposition_has_no_later_values() -> None:
    site = Site(target("n1"), target("n2"))
    site.store.succeeded("n1", Reading(300.0, "dcmi", 5e6, Statistics(310.0)), 0.01)
    site.store.failed("n2", ReadError(Reason.TIMEOUT, "no answer"), 1.0)
    snapshot = site.fleet.snapshot(site.now_s)
    before = list(site.fleet.text(snapshot, False))
    site.store.succeeded("n1", Reading(400.0, "sensor:P", 6e6, Statistics(410.0)), 0.02)
    site.store.failed("n2", ReadError(Reason.TIMEOUT, "no answer"), 2.0)
    site.states(n1="idle")
    site.sync(target("n2", rack="r7"))
    assert list(site.fleet.text(snapshot, False)) == before


def test_the_exposition_has_no_profile_if_it_is_disabled() -> None:
    site = Site(target("n1"), profiles=())
    site.store.succeeded("n1", Reading(300.0, "dcmi"), 0.01)
    assert "node_power_usage" not in site.text()
    assert site.samples("rackwatt_node_power_watts")


def find_units(site: Site) -> None:
    """Record a job of which everything is known, and a failure of its manager."""
    site.units.sync([UnitsConfig("slurm", "nodes", SlurmUnits())])
    site.units.succeeded("slurm", UnitsResult((full_reading(),)), 0.001)
    site.units.failed("slurm", ReadError(Reason.ABSENT, "no"), 0.001)


def find_inside(site: Site) -> None:
    """Record readings and failures of this machine's collectors and of the grid."""
    site.machine.sync([CollectorConfig("rapl", "nodes", scheduler="prod")])
    site.grids.sync(
        [GridConfig("fr", "FR", "static", StaticIntensity(grams_per_kilowatt_hour=56.0))]
    )
    find_units(site)
    samples = tuple(
        Sample(family, ("user", *"xyzabcdefgh")[: len(family.labels) - 1], 1.5)
        for family in (*collector_families(), POWER_LIMIT)
    )
    for joules in (5.0, 1005.0):
        package = EnergyCounter("package", "package-0", joules, 65712.0, additive=True)
        site.machine.succeeded("rapl", CollectorResult(samples, (package,)), 0.001)
        site.now_s += 10
    site.grids.succeeded("FR/static", CarbonIntensity.from_grams_per_kwh(56.0), 0.001)
    site.machine.failed("rapl", ReadError(Reason.PERMISSION_DENIED, "no"), 0.001)
    site.grids.failed("FR/static", ReadError(Reason.TIMEOUT, "no answer"), 1.0)


def find_energy(site: Site) -> None:
    """Record the energy of the node and of a unit, and a failure."""
    site.energy.sync([EnergyConfig("nodes")])
    unit = {("slurm", "1"): UnitEnergy(1.0, 2.0)}
    view = EnergyView("ipmi", "ipmi", "included", 4.0, 1.0, 1.0, 1.0, 1.0, 0.0, 9.0, 90.0, unit)
    site.energy.succeeded("energy", view, 0.001)
    site.energy.failed("energy", ReadError(Reason.SENSOR_UNREADABLE, "no"), 0.001)


def test_the_exposition_has_the_energy_of_a_node_by_part_beside_that_of_its_bmc() -> None:
    site = Site(target("n1"))
    site.store.succeeded("n1", Reading(300.5, "dcmi", 5e6), 0.012)
    find_energy(site)
    assert site.samples("rackwatt_node_energy_joules_total") == {
        ("n1", "compute", "r1"): 5e6,
        ("inside", "units"): 1.0,
        ("inside", "idle"): 1.0,
        ("inside", "system"): 1.0,
        ("inside", "unattributed"): 1.0,
    }
    assert site.text().count("# TYPE rackwatt_node_energy_joules_total counter") == 1
    assert site.samples("rackwatt_unit_energy_joules_total") == {("inside", "slurm", "1"): 1.0}


def test_the_exposition_has_collector_readings_by_domain_and_the_state_of_this_node() -> None:
    site = Site(target("n1"))
    find_inside(site)
    assert "rackwatt_node_state" not in site.text()
    site.states(inside="allocated", n1="idle")
    who = ("inside", "rapl", "package", "package-0")
    assert site.samples("rackwatt_node_domain_energy_joules_total") == {who: 1000.0}
    assert site.samples("rackwatt_node_domain_power_watts") == {who: 100.0}
    assert site.samples("rackwatt_node_domain_energy_covered_seconds_total") == {who: 10.0}
    assert site.samples("rackwatt_node_cpu_seconds_total") == {("inside", "user"): 1.5}
    assert site.samples("rackwatt_grid_carbon_intensity_grams_per_joule") == {
        ("FR", "static"): pytest.approx(56 / 3.6e6)
    }
    assert ("inside", "prod", "alpha", "allocated") in site.samples("rackwatt_node_state")
    site.sync(target("n1"), target("inside"))  # measured from both sides
    site.schedulers.propagate()
    assert site.text().count('rackwatt_node_state{node="inside"') == 1


def test_the_exposition_drops_stale_collector_readings_and_keeps_their_health() -> None:
    site = Site()
    find_inside(site)
    site.now_s += 91
    text = site.text()
    assert "rackwatt_node_" not in text
    assert "rackwatt_grid_carbon" not in text
    assert 'rackwatt_collector_up{node="inside",collector="rapl"} 0' in text
    assert 'rackwatt_grid_up{zone="FR",provider="static"} 0' in text


def find_io(site: Site) -> None:
    """Record a reading and a failure of a file system's statistics."""
    site.lustre.sync([LustreConfig("prod", "alpha", LustreOptions("http://127.0.0.1:1"))])
    site.lustre.succeeded("prod", captured.reading(), 0.1)
    site.lustre.failed("prod", ReadError(Reason.TIMEOUT, "no answer"), 0.1)


def report(site: Site) -> None:
    """Accept what a job reports of its processes."""
    traced = site.bindings.traced.of("prod")
    assert traced is not None
    every = dict.fromkeys(
        ("cpus", "threads", "mem", "read_bytes", "write_bytes", "processes", "gpus", "gpu_mem",
         "gpu_joules", "node_joules"), 1,
    )  # fmt: skip
    traced.accept(TraceReport(job_id=1, pid=10, hostname="n1", **every))  # type: ignore[arg-type]
    traced.store.results["accepted"] += 1


def count_jobs(site: Site) -> None:
    """Record what a scheduler knows that counts its nodes and jobs and lists neither."""
    site.schedulers.sync([PROD, replace(PROD, name="counting")])
    counts = {"idle": 1}
    groups = {"a": counts}
    numbers = Numbers(counts, counts, counts, counts, groups, groups, groups)
    site.schedulers.succeeded("counting", SchedulerSnapshot({}, numbers=numbers), 0.1)


def whole(openmetrics: bool) -> str:
    site = Site(target("n1"), target('n"2\\\n', rack="über"))
    statistics = Statistics(1.0, 2.0, 3.0, 4.0)
    site.store.succeeded("n1", Reading(300.0, "dcmi", 5e6, statistics, Members(2, 2)), 0.01)
    site.store.failed('n"2\\\n', ReadError(Reason.TIMEOUT, "no answer"), 1.0)
    everything = full_snapshot({"n1": "idle", "inside": "idle"})
    before = full_snapshot({"n1": "idle"}, jobs=())
    for one in (before, everything):
        site.schedulers.succeeded("prod", one, 0.1)
        site.text()
    site.schedulers.failed("prod", ReadError(Reason.CONNECTION_REFUSED, "no listener"), 1.0)
    count_jobs(site)
    find_inside(site)
    find_energy(site)
    find_io(site)
    report(site)
    fleet = Fleet({"n1": target("n1")}, problems=("one",))
    documents = document_text(fleet, 1e9, 0.001, openmetrics)
    return site.text(openmetrics) + documents + process_text(openmetrics)


def _family_of(sample: str) -> str:
    """Return the family of a sample; a histogram's have suffixes."""
    return re.sub(r"(job_(?:wait|run)_seconds)_(bucket|sum|count)$", r"\1", sample)


def declared(metrics: Iterable[Metric]) -> dict[str, set[tuple[str, frozenset[str]]]]:
    """Return the types and label sets of the samples of each family."""
    found: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for metric in metrics:
        for sample in metric.samples:
            if sample.name.startswith(OURS):
                labels = frozenset(sample.labels) - {"le"}
                found.setdefault(_family_of(sample.name), set()).add((metric.type, labels))
    return found


@pytest.mark.parametrize("openmetrics", [False, True])
def test_the_exposition_parses_in_both_formats_with_families_as_declared(openmetrics: bool) -> None:
    parse = parse_openmetrics if openmetrics else parse_text
    found = declared(parse(whole(openmetrics)))
    expected = {
        family.name: {(family.kind, frozenset(family.labels))}
        for family in all_families()
        if family.name.startswith(OURS)
    }
    expected[ENERGY.name].add(("counter", frozenset({"node", "part"})))  # of the node's ledger
    expected[COVERED.name].add(("counter", frozenset({"node"})))
    assert found == expected


def test_the_exposition_in_openmetrics_has_units_and_ends_with_eof() -> None:
    text = whole(openmetrics=True)
    assert "# UNIT rackwatt_node_power_watts watts\n" in text
    assert "# TYPE rackwatt_node_energy_joules counter\n" in text
    assert text.endswith("# EOF\n")


def test_the_exposition_passes_promtool_but_for_the_names_of_the_client_library() -> None:
    promtool = shutil.which("promtool")
    assert promtool, "the Debian package prometheus is missing: make setup"
    lint = subprocess.run(
        [promtool, "check", "metrics"],
        input=whole(False),
        capture_output=True,
        text=True,
        check=False,
    )
    warnings = [line for line in lint.stderr.splitlines() if not line.startswith("python_gc")]
    assert warnings == [], lint.stderr


@given(st.text(), st.text())
def test_the_exposition_escapes_any_name(node: str, rack: str) -> None:
    site = Site(target(node, rack=rack))
    site.store.succeeded(node, Reading(300.0, "dcmi"), 0.01)
    if "\r" in node + rack or any(c in node + rack for c in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"):
        return  # the client library's parser takes these for ends of lines; Prometheus does not
    assert site.samples("node_power_usage") == {(node, "compute", rack): 300}
