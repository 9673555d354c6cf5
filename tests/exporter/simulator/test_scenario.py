import argparse
import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.commands import simulate
from rackwatt_exporter.polling.schedule import offset
from rackwatt_exporter.simulator.faults.device_faults import Fault
from rackwatt_exporter.simulator.fleet import racks
from rackwatt_exporter.simulator.runner import by_method
from rackwatt_exporter.simulator.scenario import Affected, ScenarioError, faults, parse
from rackwatt_exporter.simulator.vendors import VENDORS

MACHINES = by_method(racks(200))
ADDRESSES = {machine.name: machine.address for each in MACHINES.values() for machine in each}


def made(text: str) -> dict[str, Fault]:
    return faults(parse(text.encode()), MACHINES)


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        made(text)
    return str(caught.value).splitlines()


def test_machines_are_chosen_by_host_list() -> None:
    found = made("faults: [{hosts: 'cn[001-003]', loss: 5%, latency: 20ms}]")
    assert found == {ADDRESSES[f"cn00{i}"]: Fault(loss=0.05, latency_s=0.02) for i in (1, 2, 3)}


def test_shares_fall_upon_different_machines_and_upon_the_same_each_time() -> None:
    text = "faults: [{share: 10%, dead: true}, {share: 2%, slow: 5s}, {share: 1%, loss: 5%}]"
    found = made(text)
    kinds = [fault for fault in found.values() if fault.dead]
    assert len(kinds) == 20
    assert [fault.slow_s for fault in found.values()].count(5.0) == 4
    assert [fault.loss for fault in found.values()].count(0.05) == 2
    assert len(found) == 26
    assert found == made(text)
    assert made("seed: 7\n" + text).keys() != found.keys()


def test_a_share_falls_evenly_upon_the_places_that_pollers_give_their_targets() -> None:
    machines = by_method(racks(10_000))
    names = {machine.address: machine.name for each in machines.values() for machine in each}
    dead = faults(parse(b"faults: [{share: 10%, dead: true}]"), machines)
    tenths = Counter(int(10 * offset(names[address])) for address in dead)
    assert len(tenths) == 10
    assert all(60 < count < 140 for count in tenths.values())


def test_a_share_is_of_the_machines_of_a_method_where_one_is_named() -> None:
    found = made("faults: [{share: 50%, method: snmp, dead: true}]")
    pdus = {machine.address for machine in MACHINES["snmp"]}
    assert len(found) == round(len(pdus) / 2)
    assert found.keys() <= pdus


def test_of_two_entries_the_later_counts_for_what_it_says() -> None:
    found = made(
        "faults: [{latency: 20ms, loss: 1%}, {hosts: pdu01, loss: 0%, restarts: {every: 1m, down: 3s}}]"
    )
    assert len(found) == 200
    expected = Fault(latency_s=0.02, restart_every_s=60, down_s=3)
    assert found[ADDRESSES["pdu01"]] == expected


def test_a_quirk_is_a_vendor() -> None:
    for name in VENDORS:
        found = made(f"faults: [{{hosts: gn01, quirk: {name}}}]")
        assert found[ADDRESSES["gn01"]].vendor is VENDORS[name]


def test_every_problem_has_its_path() -> None:
    assert problems(
        "seed: x\nfaults: [{loss: 5, shar: 1%}, {hosts: cn1, share: 1%}, {certificate: broken}]"
    ) == [
        "seed: expected a whole number, found 'x'",
        "faults[0].shar: unknown field; did you mean share?",
        "faults[0].loss: expected text, found 5. A share such as `5%` or `0.5%`.",
        "faults[1]: hosts and share exclude each other: give one of them, or neither, found both",
        "faults[2].certificate: unknown value 'broken'; known are good, expired, stranger",
    ]
    assert problems("faults: [{hosts: 'cn[001-002],moon'}, {hosts: 'a['}, {quirk: dell}]") == [
        "faults[0].hosts: no simulated machine is called moon",
        "faults[1].hosts: 'a[': [ at character 2 is never closed",
        f"faults[2].quirk: unknown quirk 'dell'; known: {', '.join(VENDORS)}",
    ]


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"a: [", b"- 1", b"[" * 5000, b"x" * 2_000_000])
def test_what_is_no_scenario_is_refused(text: bytes) -> None:
    with pytest.raises(ScenarioError):
        parse(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["faults", "hosts", "share", "loss", "quirk", "restarts"]) | st.text(), inner),
    )
)  # fmt: skip
def test_any_content_of_the_file_is_a_scenario_or_a_problem(raw: Any) -> None:
    try:
        made(repr(raw))
    except ScenarioError as error:
        assert str(error)


PAGE = (Path(__file__).parents[3] / "docs/simulate.md").read_text()


def test_the_documented_scenario_is_one() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    machines = by_method(racks(60))
    assert faults(parse(block.encode()), machines)


def test_every_field_and_quirk_is_documented_and_none_that_does_not_exist() -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(Affected)}
    message = set(re.findall(r"`([a-zA-Z]+): ", PAGE.partition("## Quirks")[0]))
    assert fields - {"hosts", "share", "method"} <= message <= fields | {"share"}
    quirks = PAGE.partition("## Quirks")[2].partition("## Record")[0]
    assert re.findall(r"^\| `([-a-z0-9]+)` \|", quirks, re.MULTILINE) == list(VENDORS)


def test_every_flag_of_simulate_is_documented() -> None:
    parser = argparse.ArgumentParser()
    simulate.add(parser.add_subparsers())
    known = parser.parse_args(["simulate", "--directory=x"])
    flags = set(vars(known)) - {"command", "log_level", "log_format", "ipmi", "snmp", "redfish"}
    for flag in [*flags, "ipmi.port", "snmp.port", "redfish.port"]:
        assert f"--{flag}" in PAGE
