"""The worker process in which pyghmi runs: questions come in on stdin, answers go out on stdout.

Each machine has a thread of its own, for pyghmi blocks: a machine that is silent holds up no other.
When stdin ends, so that nobody asks any more, every session is closed and the process ends.
"""

import os
import socket
import sys
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import msgspec
from pyghmi.exceptions import IpmiException, PyghmiException
from pyghmi.ipmi.command import Command
from pyghmi.ipmi.oem.generic import OEMHandler

from rackwatt_exporter.plausibility import DCMI_NO_VALUE, measured
from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.ipmi.oem import WorkerRequest, WorkerResponse

IDLE_LIMIT_S = 45.0  # then the BMC may have forgotten the session: pyghmi would take 20 s to see
_GOODBYE_S = 1.0

# What pyghmi says, and what it means; it has no other way to tell these apart.
_MEANINGS = (
    ("Incorrect password", Reason.AUTH_FAILED),
    ("Unauthorized name", Reason.AUTH_FAILED),
    ("Invalid integrity check", Reason.AUTH_FAILED),
    ("Invalid RAKP4 integrity code", Reason.AUTH_FAILED),
    ("Invalid username", Reason.AUTH_FAILED),
    ("Invalid role", Reason.PRIVILEGE_INSUFFICIENT),
    ("Unauthorized role", Reason.PRIVILEGE_INSUFFICIENT),
    ("privele", Reason.PRIVILEGE_INSUFFICIENT),
    ("rivilege", Reason.PRIVILEGE_INSUFFICIENT),
    ("Insufficient resources", Reason.SESSION_LIMIT),
    ("Invalid authentication algorithm", Reason.CIPHER_UNSUPPORTED),
    ("No Cipher suite match", Reason.CIPHER_UNSUPPORTED),
    ("timeout", Reason.TIMEOUT),
    ("no longer connected", Reason.TIMEOUT),
    ("failed to initialize", Reason.TIMEOUT),
)


class WorkerTarget:
    """One machine: its thread, and the session that pyghmi keeps for it."""

    def __init__(self, replies: "Replies") -> None:
        self.questions: SimpleQueue[WorkerRequest | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self._replies = replies
        self._command: Command | None = None
        self._login: tuple[object, ...] = ()
        self._used_at = 0.0
        self.thread.start()

    def _serve(self) -> None:
        while (question := self.questions.get()) is not None and not question.close:
            self._replies.send(self._answer(question))
        self._log_out()
        if question is not None:
            self._replies.send(WorkerResponse(question.number, reason=Reason.INTERNAL_ERROR))

    def _answer(self, question: WorkerRequest) -> WorkerResponse:
        try:
            answer = self._read(question)
        except ReadError as error:
            return WorkerResponse(
                question.number, reason=error.reason, message=str(error), remedy=error.remedy
            )
        except socket.gaierror as error:
            text = f"{question.address}: {error}"
            return WorkerResponse(question.number, reason=Reason.NAME_UNRESOLVED, message=text)
        except Exception as error:  # pyghmi raises whatever its parsers stumble over
            self._log_out()
            return _explain(question.number, error)
        self._used_at = time.monotonic()
        return answer

    def _read(self, question: WorkerRequest) -> WorkerResponse:
        command = self._logged_in(question)
        try:
            return _power(question, command)
        except (ReadError, IpmiException) as error:
            refused = _refusal(error)
            if refused.reason is Reason.TIMEOUT or not _powered_off(command):
                raise refused from None
        raise ReadError(Reason.POWERED_OFF, "the machine is switched off")

    def _logged_in(self, question: WorkerRequest) -> Command:
        """Return the kept session, or a new one where it is old or the credentials changed."""
        # As bytes: pyghmi never forgets a host that failed at first contact if these are str.
        username, password = (
            question.username.encode("latin-1"),
            question.password.encode("latin-1"),
        )
        kg = question.kg.encode("latin-1") or None
        login = (question.address, question.port, username, password, question.level, kg)
        idle_s = time.monotonic() - self._used_at
        if self._command is None or login != self._login or idle_s > IDLE_LIMIT_S:
            self._log_out()
            address, port = question.address, question.port
            self._command = Command(
                address, username, password, port, kg=kg, privlevel=question.level
            )
            self._login = login
        return self._command

    def _log_out(self) -> None:
        command, self._command = self._command, None
        if command is not None:
            with suppress(Exception):  # there is nobody left to tell
                command.ipmi_session.logout(False)


class Replies:
    """The pipe back, one whole line at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, answer: WorkerResponse) -> None:
        """Send an answer; nobody may be there to read it any more."""
        line = msgspec.json.encode(answer) + b"\n"
        with self._lock, suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._descriptor, line) :]


def _power(question: WorkerRequest, command: Command) -> WorkerResponse:
    if not question.sensors:
        return _system_power(question.number, command)
    watts = sum(_sensor_watts(command, name) for name in question.sensors)
    if watts <= 0:
        raise ReadError(Reason.SENSOR_UNREADABLE, "the sensors named say 0 W")
    source = "sensor:" + "+".join(question.sensors)
    return WorkerResponse(question.number, watts=watts, source=source)


def _system_power(number: int, command: Command) -> WorkerResponse:
    """Ask the vendor's module; where that has nothing of its own, DCMI and its state byte."""
    command.oem_init()
    own = type(command._oem).get_system_power_watts
    if own is not OEMHandler.get_system_power_watts:
        watts = measured(float(command.get_system_power_watts()), "the vendor module's power")
        if watts == 0:
            raise ReadError(Reason.NO_POWER_SENSOR, "the vendor module says 0 W")
        return WorkerResponse(number, watts=watts, source="oem")
    answer = command.xraw_command(*dcmi.GET_POWER_READING, data=dcmi.REQUEST)
    power = dcmi.parse_power_reading(bytes(answer["data"]))
    if not (power.measuring and power.watts):
        raise ReadError(Reason.NO_POWER_SENSOR, "DCMI is not measuring, or says 0 W; name sensors")
    watts = measured(float(power.watts), "DCMI Get Power Reading", DCMI_NO_VALUE)
    return WorkerResponse(number, watts, "dcmi", power.statistics)


def _sensor_watts(command: Command, name: str) -> float:
    """Add up all the sensors of a name: pyghmi itself reads the first one."""
    command.init_sdr()
    known = command._sdr
    found = [
        sensor
        for number in known.get_sensor_numbers()
        if (sensor := known.sensors[number]).name == name
    ]
    if not found:
        return _watts(name, _vendor_reading(command, name))
    return sum(_watts(name, _reading(command, sensor)) for sensor in found)


def _reading(command: Command, sensor: Any) -> Any:
    answer = command.xraw_command(
        message.NETFN_SENSOR, 0x2D, data=(sensor.sensor_number,), rslun=sensor.sensor_lun
    )
    return sensor.decode_sensor_reading(command, bytearray(answer["data"]))


def _vendor_reading(command: Command, name: str) -> Any:
    try:
        return command.get_sensor_reading(name)
    except IpmiException:
        raise
    except Exception as error:
        if "not found" not in str(error):
            raise
        raise ReadError(Reason.NO_POWER_SENSOR, f"no sensor is named {name!r}") from None


def _watts(name: str, reading: Any) -> float:
    if reading.unavailable or reading.value is None:
        raise ReadError(Reason.SENSOR_UNREADABLE, f"sensor {name!r} has no reading now")
    if reading.units != "W":
        text = f"sensor {name!r} is not in watts ({reading.units or 'no unit'})"
        raise ReadError(Reason.NO_POWER_SENSOR, text)
    return measured(float(reading.value), f"sensor {name!r}")


def _powered_off(command: Command) -> bool:
    try:
        return bool(command.get_power()["powerstate"] == "off")
    except IpmiException:
        return False


def _refusal(error: ReadError | IpmiException) -> ReadError:
    """Return the meaning of a completion code; of what else pyghmi raises, `_explain` makes sense.

    Raises:
        IpmiException: it holds no completion code.
    """
    if isinstance(error, ReadError):
        return error
    if not 0 < error.ipmicode <= 0xFF:
        raise error
    return CompletionError("pyghmi", error.ipmicode)


def _explain(number: int, error: Exception) -> WorkerResponse:
    if error.args == (None,):  # that is how pyghmi says that nobody was there
        text = "pyghmi: the BMC did not answer"
        return WorkerResponse(number, reason=Reason.TIMEOUT, message=text)
    text = f"pyghmi: {error}" if isinstance(error, PyghmiException) else f"pyghmi: {error!r}"
    for words, reason in _MEANINGS:
        if words in str(error):
            return WorkerResponse(number, reason=reason, message=text)
    return WorkerResponse(number, reason=Reason.BAD_REPLY, message=text)


def main() -> None:
    """Serve questions until stdin ends."""
    replies = Replies(os.dup(1))
    os.dup2(2, 1)  # pyghmi prints to stdout now and then
    machines: dict[str, WorkerTarget] = {}
    for line in sys.stdin.buffer:
        question = msgspec.json.decode(line, type=WorkerRequest)
        if question.node not in machines or not machines[question.node].thread.is_alive():
            machines[question.node] = WorkerTarget(replies)
        machines[question.node].questions.put(question)
        if question.close:
            del machines[question.node]
    for machine in machines.values():
        machine.questions.put(None)
    until = time.monotonic() + _GOODBYE_S
    for machine in machines.values():
        machine.thread.join(max(0.0, until - time.monotonic()))
    os._exit(0)  # pyghmi's own threads wait for nobody


if __name__ == "__main__":
    main()
