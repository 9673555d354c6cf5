"""The page of targets equals their current values after any sequence of changes and scrapes."""

from collections.abc import Iterator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from prometheus_client.parser import text_string_to_metric_families

from rackwatt_exporter.exposition.fleet import FleetExposition
from rackwatt_exporter.reading import Members, ReadError, Reading, Reason, Statistics
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.store.targets import TargetRecord
from tests.exporter.exposition.test_fleet import Site, target

NODES = ("n1", "n2", 'n"3\\')
WATTS = st.floats(0, 1e5)
MEMBERS = st.none() | st.just(Members(3, 3))
NUMBERS = st.none() | WATTS
STATISTICS = st.none() | st.builds(Statistics, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
READINGS = st.builds(
    Reading, WATTS, st.sampled_from(["dcmi", 'sensor:"P"']), st.none() | WATTS, STATISTICS, MEMBERS
)
REASONS = st.sampled_from([Reason.TIMEOUT, Reason.POWERED_OFF, Reason.MEMBER_MISSING])
TOOK_S = st.integers(0, 20_000_000).map(lambda microseconds: microseconds / 1e6)

Labels = dict[str, str]
Sample = tuple[str, Labels, float]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class AnyFleet(RuleBasedStateMachine):
    """Targets are added, removed, changed, read and fail; a scheduler answers and falls silent."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()

    @rule(racks=st.dictionaries(st.sampled_from(NODES), st.sampled_from(["r1", "r2"])))
    def configure(self, racks: dict[str, str]) -> None:
        self.site.sync(*(target(node, rack=rack) for node, rack in racks.items()))
        self.site.schedulers.propagate()

    @rule(node=st.sampled_from(NODES), reading=READINGS, took_s=TOOK_S)
    def read(self, node: str, reading: Reading, took_s: float) -> None:
        self.site.store.succeeded(node, reading, took_s)

    @rule(node=st.sampled_from(NODES), reason=REASONS, took_s=TOOK_S, members=MEMBERS)
    def fail(self, node: str, reason: Reason, took_s: float, members: Members | None) -> None:
        self.site.store.failed(node, ReadError(reason, "so it is", members=members), took_s)

    @rule(states=st.dictionaries(st.sampled_from(NODES), st.sampled_from(["idle", "mixed"])))
    def report(self, states: dict[str, str]) -> None:
        self.site.states(**states)

    @rule(for_s=st.integers(0, 280).map(lambda quarters: quarters / 4))
    def wait(self, for_s: float) -> None:
        self.site.now_s += for_s

    @rule()
    def scrape(self) -> None:
        assert shown(self.site.text()) == known(self.site)

    @invariant()
    def what_was_kept_between_scrapes_changes_nothing(self) -> None:
        site = self.site
        afresh = FleetExposition(site.store, site.schedulers, ("power-exporter",))
        kept, new = (one.text(one.snapshot(site.now_s), False) for one in (site.fleet, afresh))
        assert b"".join(kept) == b"".join(new)


def shown(text: str) -> Samples:
    """Return the samples of targets on a page."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.startswith("rackwatt_scheduler")
    }


def known(site: Site) -> Samples:
    """Return the current samples of all targets, one by one."""
    return {
        (name, frozenset(labels.items())): number
        for record in site.store.records.values()
        for name, labels, number in (*measured(site, record), *health(site, record))
    }


def measured(site: Site, record: TargetRecord) -> Iterator[Sample]:
    spec, reading = record.spec, record.value
    node = {"node": spec.node, "type": spec.type, "rack": spec.rack}
    state = site.store.states.get(spec.node)
    if state is not None:
        yield (
            "rackwatt_node_state",
            {"node": spec.node, "scheduler": "prod", "cluster": "alpha", "state": state},
            1,
        )
    if record.reads:
        account = site.store.account(spec.node)
        yield "rackwatt_node_energy_joules_total", node, account.served_joules
        yield "rackwatt_node_energy_covered_seconds_total", node, account.served_covered_s
    if reading is None:
        return
    profile = {} if state is None else {"state": power_exporter_state(state)}
    yield "rackwatt_node_power_watts", node, reading.watts
    yield "node_power_usage", node | profile, reading.watts
    statistics = reading.statistics or Statistics()
    for name, number in (
        ("average_watts", statistics.average_watts),
        ("minimum_watts", statistics.minimum_watts),
        ("maximum_watts", statistics.maximum_watts),
        ("window_seconds", statistics.window_s),
    ):
        if number is not None:
            yield f"rackwatt_node_power_{name}", node, number


def health(site: Site, record: TargetRecord) -> Iterator[Sample]:
    spec, reading, node = record.spec, record.value, {"node": record.spec.node}
    yield "rackwatt_target_up", node, float(record.up)
    yield "rackwatt_target_reads_total", node, record.reads
    info = {"powertarget": "lab", "method": "fake", "address": spec.address, "type": spec.type}
    source = reading.source if reading else ""
    yield "rackwatt_target_info", {**node, **info, "rack": spec.rack, "source": source}, 1
    if (age_s := record.age_s(site.now_s)) is not None:
        yield "rackwatt_target_reading_age_seconds", node, age_s
    if record.took_s is not None:
        yield "rackwatt_target_read_duration_seconds", node, record.took_s
    for reason, count in record.errors.items():
        yield "rackwatt_target_errors_total", {**node, "reason": reason}, count
    members = getattr(record.error or reading, "members", None)
    for kind in ("expected", "read") if members else ():
        yield "rackwatt_target_members", {**node, "kind": kind}, getattr(members, kind)


AnyFleet.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_a_page_says_what_is_known_whatever_came_before = AnyFleet.TestCase
