"""Numbers beside each state of Redfish's schema: those that count, and those that are none."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish import power
from rackwatt_exporter.protocols.redfish.limits import contradictions
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.power import Finder
from rackwatt_exporter.protocols.redfish.sensors import sum_of, total_of
from rackwatt_exporter.protocols.redfish.status import in_service, present, supply_works, works
from rackwatt_exporter.reading import Members, ReadError, Reason

WORKING = ["Enabled", "enabled", "OK", "Deferring", "Quiesced", "Qualified", "Degraded", None, ""]
BROKEN = ["UnavailableOffline", "Starting", "InTest", "Updating", "Sleep", "whatever comes next"]
WAITING = ["StandbySpare", "StandbyOffline"]
OUT_OF_SERVICE = ["Absent", "Disabled"]
CHASSIS = "/redfish/v1/Chassis/1"


def in_state(state: Any, **more: Any) -> dict[str, Any]:
    return {"Status": {"State": state}, **more}


def a_sensor(state: Any, name: str = "Total_Power") -> dict[str, Any]:
    path = f"{CHASSIS}/Sensors/{name}"
    about = {"@odata.id": path, "Name": name, "ReadingType": "Power", "Reading": 250}
    return in_state(state, **about)


def a_control(state: Any) -> dict[str, Any]:
    metrics = {"AverageConsumedWatts": 250}
    control = in_state(state, Name="System Power", PowerConsumedWatts=250, PowerMetrics=metrics)
    return {"PowerControl": [control]}


def metrics_of(state: Any) -> dict[str, Any]:
    return in_state(state, PowerWatts={"Reading": 250}, InputPowerWatts={"Reading": 250})


SINGLE: list[tuple[Finder, Any]] = [
    (total_of("Total_Power"), a_sensor),
    (sum_of(["Total_Power"]), a_sensor),
    (power.supply_metrics(["PSU1"]), a_sensor),
    (power.power_control(Machine()), a_control),
    (power.average_power(Machine()), a_control),
    (power.controls_named(["System Power"]), a_control),
    (power.metrics, metrics_of),
    (power.metrics, lambda state: {"PowerWatts": in_state(state, Reading=250)}),
]
SHAPES = ["total", "sum", "of metrics", "control", "mean", "named", "metrics", "excerpt"]


def watts(find: Finder, documents: Sequence[Any]) -> float | None:
    found = find(documents, "P")
    return found and found.reading.watts


@pytest.mark.parametrize("state", WORKING)
@pytest.mark.parametrize(("find", "shape"), SINGLE, ids=SHAPES)
def test_a_number_beside_a_state_that_works_counts(find: Finder, shape: Any, state: Any) -> None:
    assert watts(find, [shape(state)]) == 250


@pytest.mark.parametrize("state", [*BROKEN, *WAITING, "Disabled"])
@pytest.mark.parametrize(("find", "shape"), SINGLE, ids=SHAPES)
def test_a_number_beside_any_other_state_is_unreadable_with_the_state(
    find: Finder, shape: Any, state: str
) -> None:
    with pytest.raises(ReadError, match=state) as raised:
        watts(find, [shape(state)])
    assert raised.value.reason is Reason.SENSOR_UNREADABLE


def in_power(state: Any, second: Any) -> list[Any]:
    supplies = [{"Name": "PSU1", "PowerInputWatts": 300}]
    supplies.append(in_state(state, Name="PSU2", PowerInputWatts=second))
    return [{"PowerSupplies": supplies}]


def in_metrics(state: Any, second: Any) -> list[Any]:
    return [
        {"InputPowerWatts": {"Reading": 300}},
        in_state(state, InputPowerWatts={"Reading": second}),
    ]


def as_oem(state: Any, second: Any) -> list[Any]:
    supplies = [{"Name": "PSU1", "Oem": {"Huawei": {"PowerInputWatts": 300}}}]
    own = {"Huawei": {"PowerInputWatts": second}}
    return [{"PowerSupplies": [*supplies, in_state(state, Name="PSU2", Oem=own)]}]


def as_output(state: Any, second: Any) -> list[Any]:
    supplies = [{"Name": "PSU1", "LastPowerOutputWatts": 300}]
    return [
        {"PowerSupplies": [*supplies, in_state(state, Name="PSU2", LastPowerOutputWatts=second)]}
    ]


SUMS: list[tuple[Finder, Any]] = [
    (power.supply_inputs, in_power),
    (power.supply_inputs, as_oem),
    (power.supply_metrics(["PSU1", "PSU2"]), in_metrics),
    (power.supply_outputs, as_output),
]
OF_SUPPLIES = pytest.mark.parametrize(("find", "shape"), SUMS, ids=["Power", "Oem", "own", "out"])


@pytest.mark.parametrize(("state", "second"), [("Enabled", 220), *((s, 0) for s in WAITING)])
@OF_SUPPLIES
def test_a_supply_that_works_or_waits_counts(
    find: Finder, shape: Any, state: str, second: float
) -> None:
    assert watts(find, shape(state, second)) == 300 + second


@pytest.mark.parametrize("second", [220, 0, None])
@pytest.mark.parametrize("state", BROKEN)
@OF_SUPPLIES
def test_a_supply_that_does_not_work_spoils_the_sum(
    find: Finder, shape: Any, state: str, second: float | None
) -> None:
    with pytest.raises(ReadError, match=rf"PSU2 \('{state}'\)") as raised:
        watts(find, shape(state, second))
    assert raised.value.reason is Reason.SENSOR_UNREADABLE
    assert raised.value.members == Members(2, 1)


@pytest.mark.parametrize("state", OUT_OF_SERVICE)
@pytest.mark.parametrize("shape", [in_power, as_oem])
def test_a_supply_out_of_service_is_not_in_the_sum(shape: Any, state: str) -> None:
    assert watts(power.supply_inputs, shape(state, 220)) == 300


def test_a_sensor_of_a_sum_that_does_not_work_is_named() -> None:
    for state in ("Disabled", "UnavailableOffline", "StandbySpare"):
        with pytest.raises(ReadError, match=rf"B \('{state}'\)") as raised:
            watts(sum_of(["A", "B"]), [a_sensor("Enabled", "A"), a_sensor(state, "B")])
        assert raised.value.members == Members(2, 1)


@pytest.mark.parametrize("state", ["Disabled", "UnavailableOffline", "Starting"])
def test_what_a_broken_part_reports_contradicts_no_total(state: str) -> None:
    total = a_sensor("Enabled") | {"ReadingRangeMax": 260}
    part = a_sensor("Enabled", "GPU1_Power") | {"Reading": 400}
    assert contradictions([total], [total, part])
    assert not contradictions([total], [total, part | in_state(state)])


JSON = st.none() | st.integers() | st.text(max_size=9) | st.sampled_from([*WORKING, *BROKEN])


@given(JSON | st.dictionaries(st.just("Status"), JSON | st.dictionaries(st.just("State"), JSON)))
def test_any_json_is_in_one_state(document: Any) -> None:
    assert supply_works(document) or not works(document)
    assert present(document) or not in_service(document)
