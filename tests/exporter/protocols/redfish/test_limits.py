"""Upper limits of sensors: when they say that a sensor is not the machine's, and when nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish.limits import contradictions, upper_limit
from rackwatt_exporter.protocols.redfish.power import NotNamedError
from rackwatt_exporter.protocols.redfish.sensors import choose_sensors
from tests.exporter.protocols.redfish.test_sensors import CHASSIS, OWN, SUPPLY, chosen, sensor


def alarms(**readings: Any) -> dict[str, Any]:
    return {"Thresholds": {name: {"Reading": watts} for name, watts in readings.items()}}


SMALL = {"ReadingRangeMax": 255}
GPU = sensor("GPU0 Power", 412)


@pytest.mark.parametrize(
    ("more", "limit"),
    [
        (alarms(UpperCaution=896, UpperCritical=980), 980),
        (alarms(UpperCaution=896, UpperCritical=None), 896),
        (alarms(UpperCritical=980) | {"ReadingRangeMax": 900}, 900),
        (alarms(UpperFatal=150) | {"ReadingRangeMax": 255}, 150),
        (SMALL, 255),
        ({"ReadingRangeMax": 90}, 90),
        # Less than the sensor reads, or nothing that can be watts: no limit.
        ({"ReadingRangeMax": 89}, None),
        (alarms(UpperCaution=50) | SMALL, 255),
        (alarms(LowerCritical=300, LowerCaution=350), None),
        (alarms(UpperCritical=0), None),
        (alarms(UpperCritical="980 W", UpperFatal=True), None),
        ({"ReadingRangeMax": 65535}, None),
        ({"ReadingRangeMax": float("nan")}, None),
        ({"ReadingRangeMax": 10**400}, None),
        ({"Thresholds": {"UpperCritical": 980}}, None),
        ({"Thresholds": [{"UpperCritical": {"Reading": 980}}]}, None),
        ({"Thresholds": None}, None),
        ({}, None),
    ],
)
def test_a_limit_is_the_lower_one_that_the_sensors_own_reading_allows(
    more: dict[str, Any], limit: float | None
) -> None:
    assert upper_limit(sensor("Total Power", 90, **more)) == limit


@pytest.mark.parametrize("reading", [None, "90", 0, True, 65535])
def test_a_sensor_without_watts_now_has_no_limit(reading: Any) -> None:
    assert upper_limit(sensor("Total Power", reading, **SMALL)) is None


@pytest.mark.parametrize("more", [SMALL, alarms(UpperCritical=300), alarms(UpperCaution=411)])
def test_a_total_limited_to_less_than_a_part_draws_is_a_doubt_that_names_both(
    more: dict[str, Any],
) -> None:
    with pytest.raises(NotNamedError, match=r"GPU0 Power draws 412 W.* 'Total Power \(\d+ W\)'"):
        choose_sensors([sensor("Total Power", 90, **more), GPU], OWN)


@pytest.mark.parametrize(
    "other",
    [
        sensor("GPU0 Power", 255),
        sensor("GPU0 Power", None),
        sensor("GPU0 Power", 65535),
        sensor("GPU0 Power", "412"),
        sensor("GPU0 Power", 412, Status={"State": "Absent"}),
        sensor("GPU0 Power", 412, ReadingUnits="kW"),
        sensor("GPU0 Power Energy", 412, ReadingType="EnergyJoules"),
        sensor("PSU1 Output Power", 412, **SUPPLY),
        sensor("System Power Headroom", 412),
        sensor("Enclosure Power", 412),
    ],
)
def test_only_a_part_that_surely_draws_more_contradicts_a_total(other: dict[str, Any]) -> None:
    assert chosen(sensor("Total Power", 90, **SMALL), other) == ["Total Power"]


@pytest.mark.parametrize(
    "part",
    [
        GPU,
        sensor("Module 3", 412, PhysicalContext="Accelerator"),
        sensor("Feed", 412, Id="MemoryRail"),
    ],
)
def test_a_part_is_known_by_its_name_id_or_context(part: dict[str, Any]) -> None:
    total = sensor("Total Power", 90, **SMALL)
    (found,) = contradictions([total], [total, part])
    assert found == (total, 255, part, 412)


def test_of_two_totals_the_one_that_its_limit_contradicts_is_none() -> None:
    small, whole = sensor("Chassis Power", 90, **SMALL), sensor("System Power", 1300)
    with pytest.raises(NotNamedError, match="several"):
        chosen(small, whole)
    assert chosen(small, whole, GPU) == ["System Power"]
    assert chosen(sensor("Total Power", 90, **SMALL), whole, GPU) == ["System Power"]


def test_two_totals_with_limits_that_no_part_exceeds_stay_a_doubt() -> None:
    with pytest.raises(NotNamedError, match="several"):
        chosen(sensor("Chassis Power", 90, **SMALL), sensor("Node Power", 700), sensor("CPU", 80))


def test_supplies_are_not_summed_in_place_of_a_total_that_its_limit_contradicts() -> None:
    inputs = sensor("PSU1 Input", **SUPPLY), sensor("PSU2 Input", **SUPPLY)
    with pytest.raises(NotNamedError, match="upper limit"):
        chosen(sensor("Total Power", 90, **SMALL), GPU, *inputs)


@given(
    limits=st.dictionaries(
        st.sampled_from(["UpperCaution", "UpperCritical", "UpperFatal", "LowerCritical"]),
        st.floats(1, 1e6),
    ),
    end=st.none() | st.floats(1, 1e6),
    parts=st.lists(st.floats(0, 1e5), min_size=1, max_size=5),
    rest=st.floats(0.1, 1e5),
)
def test_no_limit_refutes_a_total_that_reads_at_least_what_each_part_does(
    limits: dict[str, float], end: float | None, parts: list[float], rest: float
) -> None:
    total = sensor("Total Power", max(parts) + rest, **alarms(**limits), ReadingRangeMax=end)
    listed = [sensor(f"CPU{n} Power", watts) for n, watts in enumerate(parts)]
    assert chosen(total, *listed) == ["Total Power"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["UpperCritical", "UpperFatal", "UpperCaution", "Reading"]), inner
        )
    ),
    max_leaves=10,
)


@given(thresholds=ANYTHING, end=ANYTHING, reading=ANYTHING, part=ANYTHING)
def test_limits_of_any_kind_leave_the_total_or_a_doubt(
    thresholds: Any, end: Any, reading: Any, part: Any
) -> None:
    total = sensor("Total Power", reading, Thresholds=thresholds, ReadingRangeMax=end)
    limit = upper_limit(total)
    assert limit is None or limit >= reading > 0
    try:
        assert chosen(total, sensor("GPU0 Power", part)) == ["Total Power"]
    except NotNamedError as doubt:
        assert limit is not None
        assert part > limit
        assert str(doubt).isprintable()


def test_a_sensors_name_in_the_message_can_be_printed() -> None:
    total = sensor("Total\x1b Power", 90, **SMALL, **{"@odata.id": f"{CHASSIS}/Sensors/T"})
    with pytest.raises(NotNamedError) as raised:
        choose_sensors([total, sensor("GPU\n0", 412)], OWN)
    assert str(raised.value).isprintable()
