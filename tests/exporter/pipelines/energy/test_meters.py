from pathlib import Path

import pytest

from rackwatt_exporter.energy.ledger import Meters
from rackwatt_exporter.pipelines.energy.meters import NodeMeters
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.pipelines.energy.machine import Machine


def observed(machine: Machine, meters: NodeMeters) -> Meters | None:
    meters.observe()
    return meters.at(min(meters.covers_s, machine.now_s))


def test_meters_add_up_packages_and_memory_where_nothing_measures_the_whole_node() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None, machine.suspended)
    assert (meters.source, observed(machine, meters)) == ("", Meters("", {}, is_whole=True))
    for joules in (0.0, 1000.0, 3000.0):
        machine.rapl(joules, joules / 10)
        result = observed(machine, meters)
        machine.pass_s(15)
    assert result is not None
    assert (result.source, result.is_whole) == ("rapl", False)
    assert result.node == {"rapl/package": (3 * 10**9, 1), "rapl/dram": (3 * 10**8, 1)}
    assert (result.processor, result.memory) == tuple(result.node.values())


def test_meters_leave_out_memory_whose_counter_does_not_change() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (0.0, 1000.0, 3000.0):
        machine.rapl(joules, dram=7.0)
        result = observed(machine, meters)
        machine.pass_s(15)
    assert result is not None
    assert (set(result.node), result.memory) == ({"rapl/package"}, None)


def test_meters_go_on_across_a_wrap() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (261000.0, 262000.0, 263000.0):
        machine.rapl(joules)
        result = observed(machine, meters)
        machine.pass_s(15)
    assert result is not None
    assert result.node["rapl/package"].microjoules == pytest.approx(2 * 10**9)


def test_meters_prefer_the_bmc_and_return_to_rapl_when_it_has_been_silent() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    runs = []
    for turn in range(12):
        machine.rapl(turn * 1000.0)
        if turn < 5:
            machine.ipmi(400.0)
        else:
            machine.ipmi_fails()
        meters.observe()
        runs.append(meters.source)
        machine.pass_s(30)
    assert runs == ["ipmi"] * 8 + ["rapl"] * 4


def test_meters_are_of_the_one_source_that_a_document_names() -> None:
    machine = Machine()
    rapl, redfish = (NodeMeters(machine.store, name, None) for name in ("rapl", "redfish"))
    for joules in (5.0, 9.0):
        machine.rapl(joules)
        machine.ipmi(400.0)
        rapl.observe()
        redfish.observe()
        machine.pass_s(15)
    assert (rapl.source, redfish.source) == ("rapl", "")


def test_meters_interpolate_what_was_read_at_different_moments() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for turn in range(3):
        machine.gpus({"GPU-1": turn * 100.0})
        machine.pass_s(5)
        machine.ipmi(300.0)
        machine.pass_s(10)
        meters.observe()
    assert meters.covers_s == 1030.0  # the GPU was read last then
    result = meters.at(meters.covers_s)
    assert result is not None
    assert result.gpus == {"GPU-1": (200_000_000, 1)}
    assert result.node == {"ipmi/node": (25 * 300 * 10**6, 1)}


def test_meters_do_not_continue_across_a_gap_in_their_accounts() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    runs = []
    for gap_s in (15, 15, 500, 15, 15):
        machine.rapl(machine.now_s * 100)
        result = observed(machine, meters)
        runs.append(result.processor.run if result and result.processor else None)
        machine.pass_s(gap_s)
    assert runs == [None, 1, 1, None, 2]  # 500 s may hide a wrap


def test_meters_lose_rapl_while_a_part_of_the_sum_is_missing() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (1.0, 2.0):
        machine.rapl(joules)
        meters.observe()
        machine.pass_s(15)
    assert meters.source == "rapl"
    machine.rapl(3.0, error=ReadError(Reason.SENSOR_UNREADABLE, "package-1"))
    meters.observe()
    assert (meters.source, meters.awaited) == ("", "")


def test_meters_keep_rapl_where_what_cannot_be_read_is_no_part_of_the_sum() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (0.0, 1000.0, 3000.0):
        error = ReadError(Reason.SENSOR_UNREADABLE, "psys")
        machine.rapl(joules, joules / 10, error, lacking=())
        result = observed(machine, meters)
        machine.pass_s(15)
    assert result is not None
    assert (meters.source, set(result.node)) == ("rapl", {"rapl/package", "rapl/dram"})


def test_meters_know_the_processors_beside_a_bmc_where_memory_cannot_be_read() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (0.0, 1000.0, 3000.0):
        error = ReadError(Reason.SENSOR_UNREADABLE, "dram")
        machine.rapl(joules, joules / 10, error, lacking=("dram",))
        machine.ipmi(400.0)
        result = observed(machine, meters)
        machine.pass_s(15)
    assert result is not None
    assert (meters.source, result.processor is None, result.memory) == ("ipmi", False, None)


def test_meters_begin_again_where_the_machine_was_suspended() -> None:
    machine = Machine()
    meters = NodeMeters(machine.store, "auto", None, machine.suspended)
    machine.store.watch(meters.take)
    runs = []
    for turn in range(6):
        if turn == 3:
            machine.suspended_s += 20.0  # so short that the counter cannot have wrapped
        machine.rapl(turn * 100.0)
        machine.ipmi(400.0)
        result = observed(machine, meters)
        node = result.node["ipmi/node"] if result else None
        runs.append((node.microjoules // 10**6, node.run) if node else None)
        machine.pass_s(15)
    assert runs == [(0, 1), (6000, 1), (12000, 1), (12000, 2), (18000, 2), (24000, 2)]


def test_meters_begin_again_where_the_machine_was_suspended_before_this_process() -> None:
    machine = Machine()
    first = NodeMeters(machine.store, "auto", None, machine.suspended)
    for joules in (0.0, 1000.0, 3000.0):
        machine.rapl(joules)
        before = observed(machine, first)
        machine.pass_s(15)
    assert before is not None
    machine.suspended_s = 20.0
    again = NodeMeters(machine.store, "auto", before, machine.suspended)
    machine.rapl(4000.0)
    after = observed(machine, again)
    assert after is not None
    assert after.processor is not None
    assert before.processor is not None
    assert after.processor.run > before.processor.run


async def test_meters_continue_in_a_new_process_where_the_counters_do(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    meters = NodeMeters(machine.store, "auto", None)
    for joules in (100.0, 1600.0, 3100.0):
        machine.rapl(joules)
        machine.ipmi(100.0)
        before = observed(machine, meters)
        machine.pass_s(15)
    await machine.save()
    assert before is not None
    again = Machine(tmp_path, machine.now_s)
    again.rapl(6100.0)
    after = observed(again, NodeMeters(again.store, "rapl", before))
    assert after is not None
    assert (after.processor, before.processor) == ((6 * 10**9, 1), (3 * 10**9, 1))
    again.ipmi(100.0)
    lost = observed(again, NodeMeters(again.store, "ipmi", before))
    assert lost is not None
    assert lost.node["ipmi/node"].run > before.node["ipmi/node"].run  # nothing was read meanwhile
