"""Captures, which strangers send: BMCs that answer as it says, or what is wrong with it."""

from contextlib import suppress

import msgspec

from rackwatt_exporter import ber, capture
from rackwatt_exporter.capture import Capture, CaptureError, RecordedTarget
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.replay.device import (
    RecordedCommands,
    RecordedResources,
    recorded_tree,
)

_MACHINE = SimulatedMachine("node1", "127.82.0.1")


def examine(data: bytes) -> None:
    """Parse it, write it, and send every BMC in it its recorded requests."""
    try:
        found = capture.parse(data)
    except CaptureError as error:
        assert str(error)
        return
    _hold_written(found)
    for recorded in found.targets:
        _ask(recorded)


def _hold_written(found: Capture) -> None:
    written = capture.text(found)
    assert capture.text(capture.parse(written.encode())) == written


def _ask(recorded: RecordedTarget) -> None:
    if recorded.ipmi is not None:
        _ask_commands(recorded.ipmi)
    if recorded.snmp is not None:
        _ask_agent(recorded.snmp)
    if recorded.redfish is not None:
        _ask_service(recorded.redfish)


def _ask_commands(recorded: capture.Ipmi) -> None:
    commands = RecordedCommands(_MACHINE, recorded)
    for each in recorded.commands:
        data = bytes.fromhex(each.data)
        answer = commands.answer(
            message.IpmiRequest(each.netfn, each.lun, 0, each.command, data, 0x81)
        )
        assert isinstance(answer, bytes)


def _ask_agent(recorded: capture.Snmp) -> None:
    with suppress(ValueError, OverflowError):  # an error of the file (replay/runner.py)
        tree = recorded_tree(recorded)
        for each in recorded.objects:
            message = tree.get(tuple(map(int, each.oid.split("."))))
            assert message is not None
            assert ber.element(message).end == len(message)


def _ask_service(recorded: capture.Redfish) -> None:
    resources = RecordedResources(recorded)
    for each in recorded.resources:
        answer = resources.show(each.path)
        if answer.content_type == "application/json" and isinstance(answer.body, bytes):
            msgspec.json.decode(answer.body)
