from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.energy import Division, Idle
from rackwatt_exporter.energy.split import Interval, split
from rackwatt_exporter.energy.usage import NOTHING_KNOWN, Known, UnitUse

GPU = "GPU-1"
USES = st.builds(
    UnitUse,
    identity=st.just("1"),
    cpu_ns=st.integers(0, 10**13),
    memory_bytes=st.none() | st.integers(0, 2**42),
    milli_cpus=st.none() | st.integers(0, 10**6),
    gpus=st.dictionaries(st.sampled_from([GPU, "GPU-2"]), st.integers(0, 10**6)),
)
INTERVALS = st.builds(
    Interval,
    duration_s=st.floats(0.001, 1e5),
    node_uj=st.integers(0, 10**13),
    gpus_uj=st.dictionaries(st.sampled_from([GPU, "GPU-2"]), st.integers(0, 10**12)),
    busy_ns=st.integers(0, 10**14),
    cpus=st.integers(0, 1024),
    used_bytes=st.integers(0, 2**43),
    units=st.dictionaries(st.sampled_from(["slurm/1", "slurm/2", "pbs/1"]), USES),
    known=st.builds(Known, st.booleans(), st.booleans(), st.booleans()),
    unread=st.integers(0, 3),
    processor_uj=st.none() | st.integers(0, 10**12),
    memory_uj=st.none() | st.integers(0, 10**12),
)
WEIGHTS = st.builds(
    Division, st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["allocated", "equal", "none"])
)  # fmt: skip


@given(INTERVALS, WEIGHTS, st.none() | st.floats(0, 1e6))
def test_split_conserves_the_energy_of_any_interval(
    interval: Interval, division: Division, idle_watts: float | None
) -> None:
    parts = split(interval, division, idle_watts)
    assert parts.total == interval.node_uj
    assert set(parts.units) <= set(interval.units)
    assert min([*parts.units.values(), parts.idle, parts.system, parts.unattributed]) >= 0
    counts_memory = all(use.memory_bytes is not None for use in interval.units.values())
    if interval.known == Known() and counts_memory:
        assert not parts.unattributed
    if interval.known == NOTHING_KNOWN:
        assert (parts.system, division.idle != "none" and parts.idle) == (0, 0)


def joules(
    idle: Idle, idle_watts: float | None = 100.0, known: Known | None = None, **units: UnitUse
) -> dict[str, float]:
    """Divide 3000 J of ten seconds on 8 CPUs, 4 of which were busy."""
    known = known or Known()
    interval = Interval(10.0, 3_000_000_000, {}, 40 * 10**9, 8, 2**34, units, known)
    parts = split(interval, Division(900, 100, idle), idle_watts)
    whole = {**parts.units, "idle": parts.idle, "system": parts.system}
    return {key: uj / 1e6 for key, uj in {**whole, "?": parts.unattributed}.items() if uj}


ONE = UnitUse("1", 20 * 10**9, 2**33, 4000)  # half of the busy CPUs, half of the memory in use
TWO = UnitUse("1", 10 * 10**9, 0, 2000)


def test_split_charges_idle_power_as_the_document_says_and_the_rest_by_use() -> None:
    used = {"one": 900 + 100, "two": 450, "system": 450 + 100}
    assert joules("none", one=ONE, two=TWO) == {**used, "idle": 1000}
    assert joules("equal", one=ONE, two=TWO) == {**used, "one": 1500, "two": 950}
    assert joules("allocated", one=ONE, two=TWO) == {
        **used, "one": 1500, "two": 700, "idle": 250,
    }  # fmt: skip


def test_split_takes_the_cpus_used_for_those_held_where_these_are_unknown() -> None:
    one = UnitUse("1", 20 * 10**9, 2**33)
    assert joules("allocated", one=one)["one"] == 1000 + 250


def test_split_charges_nothing_as_idle_while_the_idle_power_is_unknown() -> None:
    assert joules("allocated", None, one=ONE) == {"one": 1500, "system": 1500}


def test_split_leaves_unattributed_what_an_unknown_unit_may_have_used() -> None:
    assert joules("none", known=NOTHING_KNOWN, one=ONE) == {"one": 1000, "idle": 1000, "?": 1000}
    assert joules("allocated", known=NOTHING_KNOWN) == {"?": 3000}


def test_split_divides_gpus_by_their_shares_and_the_rest_of_them_idles() -> None:
    units = {
        "slurm/1": UnitUse("1", 0, gpus={GPU: 500_000}),
        "slurm/2": UnitUse("1", 0, gpus={GPU: 250_000, "GPU-2": 1_000_000}),
    }
    gpus = {GPU: 800, "GPU-2": 100}
    parts = split(Interval(1.0, 1000, gpus, 10**9, 8, 0, units), Division(1, 0), None)
    assert parts.units == {"slurm/1": 400, "slurm/2": 300}
    assert (parts.idle, parts.system) == (200, 100)


def test_split_divides_by_what_rapl_measured_of_memory_and_processors() -> None:
    interval = Interval(
        1.0, 1000, {}, 10**9, 8, 2**30, {"one": UnitUse("1", 0, 2**30)},
        processor_uj=300, memory_uj=100,
    )  # fmt: skip
    parts = split(interval, Division(), None)
    assert (parts.units["one"], parts.system) == (250, 750)


def test_split_leaves_unattributed_what_is_unknown_alone() -> None:
    one = UnitUse("1", 20 * 10**9, 2**33, 4000)
    assert joules("none", known=Known(memory=False), one=one) == {
        "one": 1000, "idle": 1000, "system": 900, "?": 100,
    }  # fmt: skip
    assert joules("allocated", known=Known(gpus=False), one=one) == joules("allocated", one=one)


def test_split_of_memory_that_one_unit_does_not_count_leaves_the_rest_unattributed() -> None:
    one, two = UnitUse("1", 20 * 10**9, 2**33, 4000), UnitUse("1", 20 * 10**9, None, 4000)
    assert joules("none", one=one, two=two) == {"one": 1000, "two": 900, "idle": 1000, "?": 100}


def test_split_is_by_cpu_time_alone_where_no_unit_counts_memory() -> None:
    one = UnitUse("1", 20 * 10**9, None, 4000)
    assert joules("none", one=one) == {"one": 1000, "idle": 1000, "system": 1000}


def test_split_of_idle_power_leaves_a_unit_that_cannot_be_read_its_equal_part() -> None:
    one = UnitUse("1", 20 * 10**9, 0, 4000)
    interval = Interval(10.0, 10**9, {}, 40 * 10**9, 8, 2**34, {"one": one}, NOTHING_KNOWN, 1)
    parts = split(interval, Division(1, 0, "equal"), 100.0)
    assert (parts.units["one"], parts.unattributed) == (500_000_000, 500_000_000)


def test_split_leaves_a_gpu_unattributed_where_it_is_unknown_who_holds_it() -> None:
    one = UnitUse("1", 40 * 10**9, 0, 8000, {GPU: 400_000})
    interval = Interval(
        10.0, 2 * 10**9, {GPU: 10**9}, 40 * 10**9, 8, 0, {"one": one}, Known(gpus=False)
    )
    parts = split(interval, Division(1, 0, "none"), 0.0)
    assert (parts.units["one"], parts.unattributed) == (1_400_000_000, 600_000_000)
    assert (parts.idle, parts.system) == (0, 0)
