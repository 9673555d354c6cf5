import random
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwatt_exporter.config.energy import Division
from rackwatt_exporter.energy.ledger import CounterValue, Meters, NodeLedger
from rackwatt_exporter.energy.usage import (
    NOTHING_KNOWN,
    Known,
    Units,
    UnitsTimeline,
    UnitUse,
    Usage,
)

EVENTS = ("tick",) * 6 + (
    "birth", "death", "reuse", "no source", "switch", "reset", "gap", "units unknown", "gpus",
    "restart", "killed", "reboot", "forget",
)  # fmt: skip


@dataclass
class Node:
    """A machine whose true energy is known, and a ledger that watches it."""

    chance: random.Random
    ledger: NodeLedger = field(default_factory=NodeLedger)
    saved: bytes = b""
    at_s: float = 100.0
    boot: str = "a"
    source: str = "ipmi"
    run: int = 0
    node_uj: int = 0
    gpu_uj: int = 0
    has_gpu: bool = False
    busy_ns: int = 0
    units: dict[str, UnitUse] = field(default_factory=dict)
    knows_units: bool = True
    born: int = 0

    def happen(self, event: str) -> None:
        match event:
            case "birth" | "reuse":
                self.born += event == "birth" or not self.units
                key = f"slurm/{self.born}"
                self.units[key] = UnitUse(str(self.chance.random()), 0, 10**9, 2000)
            case "death" if self.units:
                del self.units[next(iter(self.units))]
            case "no source" | "switch":
                others = {"no source": [""], "switch": ["ipmi", "rapl"]}[event]
                self.source = self.chance.choice(others)
                self.node_uj = self.chance.randrange(10**12)
            case "reset":
                self.node_uj = 0
            case "gap":
                self.at_s += 5000
            case "units unknown":
                self.knows_units = not self.knows_units
            case "gpus":
                self.has_gpu = not self.has_gpu
            case "restart" | "killed":
                if event == "restart":
                    self.save()
                self.load()
            case "reboot":
                self.boot += "a"
                self.at_s, self.busy_ns, self.units = 10.0, 0, {}
                self.load()
            case "forget":
                self.ledger.forget(self.at_s - 60)
        self.tick()

    def tick(self) -> None:
        """Let fifteen seconds pass, and advance the ledger."""
        self.at_s += self.chance.uniform(0.01, 30)
        self.node_uj += self.chance.randrange(10**10)
        self.gpu_uj += self.chance.randrange(10**9)
        for key, use in self.units.items():
            used_ns = self.chance.randrange(10**10)
            self.busy_ns += used_ns
            share = {"GPU-1": 400_000} if key.endswith("1") else {}
            self.units[key] = msgspec.structs.replace(use, cpu_ns=use.cpu_ns + used_ns, gpus=share)
        self.busy_ns += self.chance.randrange(10**10)
        usage = Usage(
            self.at_s, self.busy_ns, 16, 2**34,
            dict(self.units) if self.knows_units else {},
            frozenset({"slurm"} if self.knows_units else ()),
            Known() if self.knows_units else NOTHING_KNOWN,
        )  # fmt: skip
        gpus = {"GPU-1": CounterValue(self.gpu_uj)} if self.has_gpu else {}
        node = {self.source: CounterValue(self.node_uj, self.run)} if self.source else {}
        meters = Meters(self.source, node, gpus, is_whole=self.source == "ipmi")
        self.ledger.advance(self.boot, meters, usage, Division())
        if self.chance.random() < 0.5:
            self.save()

    def save(self) -> None:
        self.saved = msgspec.json.encode(self.ledger)

    def load(self) -> None:
        self.ledger = (
            msgspec.json.decode(self.saved, type=NodeLedger) if self.saved else NodeLedger()
        )
        if self.ledger.position and self.ledger.position.boot != self.boot:
            self.ledger.restart()


@settings(max_examples=150)
@given(st.lists(st.sampled_from(EVENTS), max_size=40), st.randoms(use_true_random=False))
def test_the_ledger_conserves_in_any_order_of_events_and_never_decreases(
    events: list[str], chance: random.Random
) -> None:
    node = Node(chance)
    for event in events:
        before = msgspec.json.decode(msgspec.json.encode(node.ledger), type=NodeLedger)
        node.happen(event)
        ledger = node.ledger
        assert ledger.imbalance == 0
        if event in {"killed", "reboot"}:
            continue  # what was not saved was not served
        for part in ("measured", "idle", "system", "unattributed", "units_total", "covered_ms"):
            assert getattr(ledger, part) >= getattr(before, part)
        for key, account in ledger.units.items():
            if (same := before.units.get(key)) and same.identity == account.identity:
                assert account.microjoules >= same.microjoules


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["tick", "birth", "death", "reuse", "restart"]), max_size=30),
       st.randoms(use_true_random=False))  # fmt: skip
def test_the_ledger_books_all_energy_while_its_source_is_read(
    events: list[str], chance: random.Random
) -> None:
    node = Node(chance)
    node.tick()
    first_uj, first_s = node.node_uj, node.at_s
    for event in events:
        node.happen(event)
    assert node.ledger.measured == node.node_uj - first_uj
    assert node.ledger.covered_ms == pytest.approx((node.at_s - first_s) * 1000, abs=20)


def advance(ledger: NodeLedger, at_s: float, node_uj: int, meters: Meters | None = None,
            **units: UnitUse) -> None:  # fmt: skip
    """Advance a ledger of a node of 4 CPUs, all of which the units use."""
    uses = {f"slurm/{key}": use for key, use in units.items()}
    busy_ns = sum(use.cpu_ns for use in uses.values())
    usage = Usage(at_s, busy_ns, 4, 0, uses, frozenset({"slurm"}))
    made = meters or Meters("ipmi", {"ipmi": CounterValue(node_uj)}, is_whole=True)
    ledger.advance("boot", made, usage, Division(1, 0))


def test_the_ledger_charges_a_unit_that_was_there_before_it_for_nothing_yet() -> None:
    ledger = NodeLedger()
    advance(ledger, 10.0, 0, old=UnitUse("1", 9 * 10**9))
    assert (ledger.measured, ledger.units) == (0, {})
    advance(ledger, 20.0, 4000, old=UnitUse("1", 12 * 10**9), new=UnitUse("2", 10**9))
    assert {key: one.microjoules for key, one in ledger.units.items()} == {
        "slurm/old": 3000, "slurm/new": 1000,
    }  # fmt: skip


def test_the_ledger_begins_another_account_where_an_id_is_used_again() -> None:
    ledger = NodeLedger()
    for at_s, use in ((10.0, UnitUse("1", 0)), (20.0, UnitUse("1", 10)), (30.0, UnitUse("2", 10))):
        advance(ledger, at_s, int(at_s) * 1000, job=use)
    assert ledger.units["slurm/job"].microjoules == 10_000
    assert (ledger.ended, ledger.units_total) == (10_000, 20_000)


def test_the_ledger_keeps_an_ended_unit_for_a_time_and_its_energy_for_ever() -> None:
    ledger = NodeLedger()
    advance(ledger, 10.0, 0, job=UnitUse("1", 0))
    advance(ledger, 20.0, 5000, job=UnitUse("1", 10))
    advance(ledger, 30.0, 5000)
    ended = ledger.units["slurm/job"]
    assert (ended.ended_s, ended.watts, ended.microjoules) == (30.0, 0.0, 5000)
    ledger.forget(25.0)
    assert "slurm/job" in ledger.units
    ledger.forget(35.0)
    assert (ledger.units, ledger.ended, ledger.imbalance) == ({}, 5000, 0)


def test_the_ledger_finds_out_that_gpus_have_supplies_of_their_own() -> None:
    ledger = NodeLedger()
    for turn in range(6):
        meters = Meters(
            "ipmi",
            {"": CounterValue(turn * 1000)},
            {"GPU-1": CounterValue(turn * 5000)},
            is_whole=True,
        )
        advance(ledger, 10.0 * (turn + 1), 0, meters, job=UnitUse("1", turn))
    assert ledger.has_separate_gpus("ipmi")
    assert not ledger.has_separate_gpus("redfish")
    assert ledger.measured == 2 * 1000 + 3 * 6000
    assert ledger.imbalance == 0


def test_the_ledger_books_nothing_across_a_counter_that_does_not_continue() -> None:
    ledger = NodeLedger()
    advance(ledger, 10.0, 0, job=UnitUse("1", 0))
    other = Meters("ipmi", {"ipmi": CounterValue(9000, 1)}, is_whole=True)
    advance(ledger, 20.0, 0, other, job=UnitUse("1", 10))
    assert (ledger.measured, ledger.covered_ms) == (0, 0)
    later = Meters("ipmi", {"ipmi": CounterValue(9500, 1)}, is_whole=True)
    advance(ledger, 30.0, 0, later, job=UnitUse("1", 20))
    assert ledger.units["slurm/job"].microjoules == 500


def uses(timeline: UnitsTimeline, at_s: float) -> dict[str, UnitUse]:
    units = timeline.at(at_s)
    assert units is not None
    return dict(units.uses)


def test_the_units_of_a_timeline_begin_and_end_between_its_readings() -> None:
    timeline = UnitsTimeline()
    timeline.add(10.0, Units({"slurm/1": UnitUse("a", 100), "slurm/2": UnitUse("b", 50)}))
    timeline.add(20.0, Units({"slurm/2": UnitUse("b", 90), "slurm/3": UnitUse("c", 10)}))
    assert uses(timeline, 15.0) == {
        "slurm/1": UnitUse("a", 100, has_ended=True),
        "slurm/2": UnitUse("b", 70),
        "slurm/3": UnitUse("c", 5),
    }
    assert uses(timeline, 20.0) == {
        "slurm/1": UnitUse("a", 100, has_ended=True),
        "slurm/2": UnitUse("b", 90),
        "slurm/3": UnitUse("c", 10),
    }
    assert uses(timeline, 10.0) == {"slurm/1": UnitUse("a", 100), "slurm/2": UnitUse("b", 50)}
    assert timeline.at(20.1) is None
    assert UnitsTimeline().at(1.0) is None


def test_a_unit_of_a_timeline_that_ended_is_kept_until_a_moment_after_it() -> None:
    timeline = UnitsTimeline()
    timeline.add(10.0, Units({}))
    timeline.add(20.0, Units({"slurm/1": UnitUse("a", 100, has_ended=True)}))
    for at_s in range(30, 600, 10):  # more readings than are kept
        timeline.add(float(at_s), Units({"slurm/2": UnitUse("b", at_s)}))
    ended = UnitUse("a", 100, milli_cpus=0, has_ended=True)
    assert uses(timeline, 585.0)["slurm/1"] == ended
    timeline.forget_before(585.0)
    assert set(uses(timeline, 587.0)) == {"slurm/2"}


def test_a_unit_of_a_timeline_has_its_last_cpu_time_at_each_moment_after_its_end() -> None:
    timeline = UnitsTimeline()
    for at_s in range(10, 41):
        use = UnitUse("a", at_s * 1000, has_ended=at_s == 25)
        timeline.add(float(at_s), Units({"slurm/1": use} if at_s <= 25 else {}))
    used = [uses(timeline, tenth / 10)["slurm/1"].cpu_ns for tenth in range(100, 401)]
    assert used[-150:] == [25_000] * 150
    assert used == sorted(used)


def test_a_unit_of_a_timeline_that_could_not_be_read_has_not_ended() -> None:
    timeline = UnitsTimeline()
    timeline.add(10.0, Units({"slurm/1": UnitUse("a", 100)}))
    timeline.add(20.0, Units({}, NOTHING_KNOWN, frozenset({"slurm/1"})))
    timeline.add(30.0, Units({"slurm/1": UnitUse("a", 140), "slurm/2": UnitUse("b", 9)}))
    assert timeline.at(15.0) == Units({}, NOTHING_KNOWN, frozenset({"slurm/1"}))
    assert uses(timeline, 25.0)["slurm/1"] == UnitUse("a", 130, begin_ns=120)
    assert timeline.at(30.0) == Units(
        {"slurm/1": UnitUse("a", 140, begin_ns=120), "slurm/2": UnitUse("b", 9)}
    )


def test_the_ledger_does_not_end_a_unit_that_cannot_be_read() -> None:
    ledger = NodeLedger()
    advance(ledger, 10.0, 0, job=UnitUse("1", 0))
    advance(ledger, 20.0, 5000, job=UnitUse("1", 10))
    meters = Meters("ipmi", {"ipmi": CounterValue(9000)}, is_whole=True)
    usage = Usage(30.0, 20, 4, 0, {}, frozenset({"slurm"}), NOTHING_KNOWN, frozenset({"slurm/job"}))
    ledger.advance("boot", meters, usage, Division(1, 0))
    account = ledger.units["slurm/job"]
    assert (account.ended_s, account.watts, ledger.unattributed) == (None, None, 4000)
    # What it used before this is unknown: it is charged from its counter on.
    advance(ledger, 40.0, 13_000, job=UnitUse("1", 30))
    assert (account.microjoules, ledger.imbalance) == (5000, 0)
