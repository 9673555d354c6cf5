"""Replay of a capture: BMCs that respond as the recorded ones did.

Responses to one request are replayed in order, and after the last the first again. Log-in and
sessions are the simulator's own, with its own account. Requests that were not recorded fail.
"""

import itertools
import math
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from aiohttp import web

from rackwatt_exporter import ber, capture
from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.simulator.ipmi.commands import BEFORE_LOGIN, IpmiCommands
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import error, json_of
from rackwatt_exporter.simulator.snmp.tree import Tree, Value

T = TypeVar("T")

_RESERVE = (message.NETFN_STORAGE, 0x22)
_GET_SDR = (message.NETFN_STORAGE, 0x23)
# Commands of sessions, and those that every BMC has.
_OWN = BEFORE_LOGIN | {(message.NETFN_APP, code) for code in (0x01, 0x3B, 0x3C)} | {_RESERVE}
_WHOLE = 0xFF


class RecordedCommands:
    """Recorded responses of a BMC inside a session."""

    def __init__(self, machine: SimulatedMachine, recorded: capture.Ipmi) -> None:
        self._own = IpmiCommands(machine)
        self._answers = {
            (each.netfn, each.command, each.lun, bytes.fromhex(each.data)): _cycle(
                bytes.fromhex(answer) for answer in each.answers
            )
            for each in recorded.commands
        }
        self._records = _records(recorded.commands)

    def answer(self, request: message.IpmiRequest) -> bytes:
        """Return completion code and data of a response."""
        code = (request.netfn, request.command)
        if code == _GET_SDR:
            return self._record(request.data)
        recorded = self._answers.get((*code, request.lun, request.data))
        if recorded is not None:
            return next(recorded)
        return self._own.answer(request) if code in _OWN else bytes((ipmi_codes.INVALID_COMMAND,))

    def _record(self, data: bytes) -> bytes:
        """Return a piece of a record, whatever its pieces were in the capture."""
        number = int.from_bytes(data[2:4], "little")
        following, record = self._records.get(number, (b"", b""))
        if len(data) < 6 or not record:
            return bytes((ipmi_codes.NOT_PRESENT,))
        piece = record[data[4] :] if data[5] == _WHOLE else record[data[4] : data[4] + data[5]]
        return bytes((ipmi_codes.OK,)) + following + piece


class RecordedResources:
    """Recorded resources of a Redfish service."""

    def __init__(self, recorded: capture.Redfish) -> None:
        self._answers = {each.path: _cycle(each.answers) for each in recorded.resources}

    def show(self, path: str) -> web.Response:
        """Return the response to GET of a path with its query."""
        responses = self._answers.get(path) or self._answers.get(path.rstrip("/"))
        responses = responses or self._answers.get(path + "/")
        if responses is None:
            return error(404)
        answer = next(responses)
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "content-type"}
        if answer.text is None:
            return json_of(answer.status, answer.document, headers)
        kind = answer.headers.get("Content-Type", "text/plain").partition(";")[0]
        return web.Response(
            status=answer.status, text=answer.text, content_type=kind, headers=headers
        )


def recorded_tree(recorded: capture.Snmp) -> Tree:
    """Return the recorded objects of an agent."""
    return Tree({_oid(each.oid): _value(each) for each in recorded.objects})


def _value(recorded: capture.SnmpObject) -> Value:
    write = _WRITERS[recorded.kind]
    cycle = _cycle(write(text) for text in recorded.values)
    return lambda: next(cycle)


def _oid(text: str) -> ber.Oid:
    return tuple(map(int, text.split(".")))


def _integer(text: str) -> bytes:
    """Encode a number as the smallest type that holds it: Integer32, Gauge32, Counter64."""
    number = int(text)
    if -(2**31) <= number < 2**31:
        return ber.integer(number)
    return ber.integer(number, ber.GAUGE if 0 <= number < 2**32 else _COUNTER64)


def _real(text: str) -> bytes:
    """Encode a number as net-snmp's opaque double, which agents without integers use."""
    number = float(text)
    octets = struct.pack("!d", number if math.isfinite(number) else 0.0)
    return ber.encoded(_OPAQUE, b"\x9f\x79" + bytes((len(octets),)) + octets)


def _octets(text: str) -> bytes:
    return ber.octets(text.encode())


_OPAQUE, _COUNTER64 = 0x44, 0x46
_WRITERS: dict[str, Callable[[str], bytes]] = {
    "integer": _integer,
    "counter": lambda text: ber.integer(int(text), _COUNTER64),
    "ticks": lambda text: ber.integer(int(text), ber.TIME_TICKS),
    "real": _real,
    "text": _octets,
    "bytes": lambda text: ber.octets(bytes.fromhex(text)),
    "name": lambda text: ber.oid(_oid(text)),
}


def _cycle(answers: Iterable[T]) -> Iterator[T]:
    return itertools.cycle(list(answers))


def _records(commands: list[capture.Command]) -> dict[int, tuple[bytes, bytes]]:
    """Assemble records from their recorded pieces: the id of the next one, and the bytes."""
    records: dict[int, tuple[bytes, bytes]] = {}
    for each in commands:
        data, answer = bytes.fromhex(each.data), bytes.fromhex(each.answers[0])
        if (each.netfn, each.command) != _GET_SDR or answer[:1] != b"\0" or len(data) < 6:
            continue
        number, offset = int.from_bytes(data[2:4], "little"), data[4]
        _, record = records.get(number, (b"", b""))
        whole = record[:offset].ljust(offset, b"\0") + answer[3:]
        records[number] = answer[1:3], max(whole, record, key=len)
    return records
