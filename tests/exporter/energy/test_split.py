from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.energy import Division, Idle
from rackwatt_exporter.energy.split import Interval, split
from rackwatt_exporter.energy.usage import UnitUse

GPU = "GPU-1"
USES = st.builds(
    UnitUse,
    identity=st.just("1"),
    cpu_ns=st.integers(0, 10**13),
    memory_bytes=st.integers(0, 2**42),
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
    complete=st.booleans(),
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
    if interval.complete:
        assert not parts.unattributed or not interval.busy_ns or not interval.used_bytes
    else:
        assert (parts.system, division.idle != "none" and parts.idle) == (0, 0)


def joules(
    idle: Idle, idle_watts: float | None = 100.0, complete: bool = True, **units: UnitUse
) -> dict[str, float]:
    """Divide 3000 J of ten seconds on 8 CPUs, 4 of which were busy."""
    interval = Interval(10.0, 3_000_000_000, {}, 40 * 10**9, 8, 2**34, units, complete)
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
    assert joules("none", complete=False, one=ONE) == {"one": 1000, "idle": 1000, "?": 1000}
    assert joules("allocated", complete=False) == {"?": 3000}


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
