import math

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.pipelines.energy.last_hour import MAX_UNITS, STEP_S, STEPS, LastHour
from rackwatt_exporter.pipelines.energy.source import EnergyView, UnitEnergy
from rackwatt_exporter.units.model import UnitInfo, UnitKey, UnitReading

STALE_S = 60.0


class Ledger:
    """A ledger that a test advances, and the hour that watches it."""

    def __init__(self) -> None:
        self.now_s = 9000.0
        self.covered_s = 0.0
        self.joules = dict.fromkeys(("idle", "system", "unattributed"), 0.0)
        self.units: dict[str, float] = {}
        self.ended = 0.0
        self.hour = LastHour()

    def pass_s(self, seconds: float, **watts: float) -> None:
        """Let time pass with these watts; names of no part are jobs."""
        self.covered_s += seconds
        for name, power in watts.items():
            book = self.joules if name in self.joules else self.units
            book[name] = book.get(name, 0.0) + power * seconds
        self.miss_s(seconds)

    def miss_s(self, seconds: float) -> None:
        """Let time pass in which nothing is measured."""
        self.now_s += seconds
        self.observe()

    def forget(self, job: str) -> None:
        self.ended += self.units.pop(job)

    def view(self) -> EnergyView:
        units = sum(self.units.values()) + self.ended
        return EnergyView(
            source="rapl", awaited="", gpus="separate", units_total=units, imbalance=0.0,
            measured=units + sum(self.joules.values()), covered_s=self.covered_s, idle_watts=None,
            units={("slurm", job): UnitEnergy(used, 0.0) for job, used in self.units.items()},
            idle=self.joules["idle"], system=self.joules["system"],
            unattributed=self.joules["unattributed"],
        )  # fmt: skip

    def observe(self) -> None:
        readings = [
            UnitReading(UnitKey("slurm", job), job, info=UnitInfo(user=f"of {job}"))
            for job in self.units
        ]
        self.hour.observe(self.now_s, self.view(), readings)

    def lines(self, most: int = 10) -> dict[str, list[float]]:
        return {one.key.unit: one.watts for one in self.hour.hour(self.now_s, most).units}


def test_last_hour_has_the_watts_of_each_part_step_by_step() -> None:
    ledger = Ledger()
    ledger.observe()
    assert ledger.hour.hour(ledger.now_s, 10).parts["units"] == [], "one advance is no power"
    for _ in range(3):
        ledger.pass_s(STEP_S, idle=50, system=5, unattributed=1, a=100, b=20)
    hour = ledger.hour.hour(ledger.now_s, 10)
    assert hour.parts == {
        "units": [120.0] * 3, "idle": [50.0] * 3, "system": [5.0] * 3, "unattributed": [1.0] * 3,
    }  # fmt: skip
    assert [(one.key, one.info.user) for one in hour.units] == [
        (("slurm", "a"), "of a"), (("slurm", "b"), "of b"),
    ]  # fmt: skip
    assert ledger.lines() == {"a": [100.0] * 3, "b": [20.0] * 3}
    assert hour.others == [0.0] * 3


def test_last_hour_takes_all_energy_of_a_step_whatever_the_interval_of_polls() -> None:
    ledger = Ledger()
    ledger.observe()
    for number in range(30):
        ledger.pass_s(5.0, a=600.0 if number % 6 == 3 else 0.0)
    assert ledger.hour.hour(ledger.now_s, 10).parts["units"] == [100.0] * 5


def test_last_hour_fills_the_steps_of_an_advance_that_is_longer_than_a_step() -> None:
    ledger = Ledger()
    ledger.observe()
    for _ in range(3):
        ledger.pass_s(60.0, idle=80)
    assert ledger.hour.hour(ledger.now_s, 10).parts["idle"] == [80.0] * 6


def test_last_hour_has_a_gap_where_nothing_was_covered() -> None:
    ledger = Ledger()
    ledger.observe()
    ledger.pass_s(STEP_S, idle=80)
    for _ in range(3):
        ledger.miss_s(STEP_S)
    ledger.pass_s(STEP_S, idle=40)
    hour = ledger.hour.hour(ledger.now_s, 10)
    assert hour.parts["idle"] == [80.0, None, None, None, 40.0]
    assert hour.others == [0.0, None, None, None, 0.0]


def test_last_hour_shows_silence_as_a_gap_up_to_now() -> None:
    ledger = Ledger()
    ledger.observe()
    ledger.pass_s(STEP_S, idle=80)
    parts = ledger.hour.hour(ledger.now_s + 3 * STEP_S, 10).parts
    assert parts["idle"] == [80.0, None, None, None]
    assert ledger.hour.hour(ledger.now_s + 2 * STEPS * STEP_S, 10).parts["idle"] == []


def test_last_hour_keeps_a_job_that_has_ended_with_its_user_until_the_hour_is_over() -> None:
    ledger = Ledger()
    ledger.observe()
    ledger.pass_s(STEP_S, short=300, long=10)
    ledger.forget("short")
    for _ in range(STEPS - 1):
        ledger.pass_s(STEP_S, long=10)
    hour = ledger.hour.hour(ledger.now_s, 10)
    assert ledger.lines()["short"] == [300.0] + [0.0] * (STEPS - 1)
    assert hour.parts["units"][:2] == [310.0, 10.0]
    assert ledger.hour.info(UnitKey("slurm", "short")).user == "of short"
    ledger.pass_s(STEP_S, long=10)
    assert set(ledger.lines()) == {"long"}
    assert ledger.hour.info(UnitKey("slurm", "short")) == UnitInfo()


def test_last_hour_folds_all_but_the_largest_into_others() -> None:
    ledger = Ledger()
    ledger.observe()
    small = {f"j{number}": 1.0 for number in range(100)}
    for _ in range(2):
        ledger.pass_s(STEP_S, **small)
    ledger.pass_s(STEP_S, **small, large=500.0)
    hour = ledger.hour.hour(ledger.now_s, 10)
    assert len(hour.units) == 10
    assert ledger.lines()["large"] == [0.0, 0.0, 500.0]
    assert hour.others == [91.0, 91.0, 91.0]
    assert len(ledger.lines(1000)) == MAX_UNITS


def test_last_hour_starts_again_with_a_ledger_that_does() -> None:
    ledger = Ledger()
    ledger.observe()
    ledger.pass_s(STEP_S, idle=80, a=20)
    ledger.joules["idle"] = ledger.covered_s = 0.0
    ledger.units["a"] = 0.0
    ledger.miss_s(STEP_S)
    ledger.pass_s(STEP_S, idle=70, a=10)
    assert ledger.hour.hour(ledger.now_s, 10).parts["idle"] == [80.0, None, 70.0]
    assert ledger.lines() == {"a": [20.0, 0.0, 10.0]}


def test_last_hour_counts_a_job_with_the_id_of_another_from_its_own_beginning() -> None:
    ledger = Ledger()
    ledger.observe()
    ledger.pass_s(STEP_S, a=100)
    ledger.ended += ledger.units["a"]
    ledger.units["a"] = 0.0
    ledger.pass_s(STEP_S, a=50)
    assert ledger.lines() == {"a": [100.0, 50.0]}


def test_last_hour_withdraws_the_power_of_now_when_the_ledger_does_not_advance() -> None:
    ledger = Ledger()
    ledger.observe()
    assert ledger.hour.watts(ledger.now_s, STALE_S) == {}
    ledger.pass_s(5.0, idle=80, a=20)
    now = {"units": 20.0, "idle": 80.0, "system": 0.0, "unattributed": 0.0}
    assert ledger.hour.watts(ledger.now_s, STALE_S) == now
    ledger.miss_s(STALE_S)
    assert ledger.hour.watts(ledger.now_s, STALE_S) == now
    assert ledger.hour.watts(ledger.now_s + 1, STALE_S) == {}


steps = st.lists(
    st.tuples(
        st.floats(1, 200),
        st.booleans(),
        st.dictionaries(
            st.sampled_from(["idle", "system", *"abcdef"]), st.floats(0, 1000), max_size=6
        ),
    ),
    max_size=40,
)


@given(steps)
def test_last_hour_adds_up_to_what_the_ledger_has_booked(passed: list[tuple[float, bool, dict[str, float]]]) -> None:  # fmt: skip
    ledger = Ledger()
    ledger.observe()
    for seconds, covered, watts in passed:
        if covered:
            ledger.pass_s(seconds, **watts)
        else:
            ledger.miss_s(seconds)
        hour = ledger.hour.hour(ledger.now_s, 3)
        for place, whole in enumerate(hour.parts["units"]):
            if whole is None:
                assert hour.others[place] is None
                continue
            others = hour.others[place]
            assert others is not None
            lines = sum(one.watts[place] for one in hour.units)
            assert math.isclose(lines + others, whole, rel_tol=1e-5, abs_tol=0.1)
            assert all(watts >= 0 for one in hour.units for watts in one.watts)
