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

import msgspec
from pyghmi.exceptions import IpmiException, PyghmiException
from pyghmi.ipmi.command import Command
from pyghmi.ipmi.oem.generic import OEMHandler

from rackwatt_exporter.protocols import dcmi
from rackwatt_exporter.protocols import ipmi_message as message
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.ipmi_oem import Answer, Question

IDLE_LIMIT_S = 45.0  # then the BMC may have forgotten the session: pyghmi would take 20 s to see
_GOODBYE_S = 1.0

# What pyghmi says, and what it means; it has no other way to tell these apart.
_MEANINGS = (
    ("Incorrect password", Reason.AUTH_FAILED),
    ("Unauthorized name", Reason.AUTH_FAILED),
    ("Invalid integrity check", Reason.AUTH_FAILED),
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


class Machine:
    """One machine: its thread, and the session that pyghmi keeps for it."""

    def __init__(self, replies: "Replies") -> None:
        self.questions: SimpleQueue[Question | None] = SimpleQueue()
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
            self._replies.send(Answer(question.number, reason=Reason.INTERNAL_ERROR))

    def _answer(self, question: Question) -> Answer:
        try:
            answer = self._read(question)
        except ReadError as error:
            return Answer(question.number, reason=error.reason, message=str(error))
        except socket.gaierror as error:
            text = f"{question.address}: {error}"
            return Answer(question.number, reason=Reason.NAME_UNRESOLVED, message=text)
        except Exception as error:  # pyghmi raises whatever its parsers stumble over
            self._log_out()
            return _explain(question.number, error)
        self._used_at = time.monotonic()
        return answer

    def _read(self, question: Question) -> Answer:
        command = self._logged_in(question)
        if not question.sensors:
            return _system_power(question.number, command)
        watts = sum(_sensor_watts(command, name) for name in question.sensors)
        source = "sensor:" + "+".join(question.sensors)
        return Answer(question.number, watts=watts, source=source)

    def _logged_in(self, question: Question) -> Command:
        """Give the kept session, or a new one where it is old or the credentials changed."""
        # As bytes: pyghmi never forgets a host that failed at first contact if these are str.
        username, password = (
            question.username.encode("latin-1"),
            question.password.encode("latin-1"),
        )
        login = (question.address, question.port, username, password, question.level)
        idle_s = time.monotonic() - self._used_at
        if self._command is None or login != self._login or idle_s > IDLE_LIMIT_S:
            self._log_out()
            address, port = question.address, question.port
            self._command = Command(address, username, password, port, privlevel=question.level)
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

    def send(self, answer: Answer) -> None:
        """Send an answer; nobody may be there to read it any more."""
        line = msgspec.json.encode(answer) + b"\n"
        with self._lock, suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._descriptor, line) :]


def _system_power(number: int, command: Command) -> Answer:
    """Ask the vendor's module; where that has nothing of its own, DCMI and its state byte."""
    command.oem_init()
    own = type(command._oem).get_system_power_watts
    if own is not OEMHandler.get_system_power_watts:
        watts = float(command.get_system_power_watts())
        if watts <= 0:
            raise ReadError(Reason.NO_POWER_SENSOR, f"the vendor module says {watts:g} W")
        return Answer(number, watts=watts, source="oem")
    answer = command.xraw_command(*dcmi.GET_POWER_READING, data=dcmi.REQUEST)
    power = dcmi.parse_power_reading(bytes(answer["data"]))
    if power.measuring and power.watts:
        return Answer(number, power.watts, "dcmi", power.statistics)
    if command.get_power()["powerstate"] == "off":
        raise ReadError(Reason.POWERED_OFF, "the machine is switched off")
    raise ReadError(Reason.NO_POWER_SENSOR, "DCMI is not measuring, or says 0 W; name sensors")


def _sensor_watts(command: Command, name: str) -> float:
    try:
        reading = command.get_sensor_reading(name)
    except IpmiException:
        raise
    except Exception as error:
        if "not found" not in str(error):
            raise
        raise ReadError(Reason.NO_POWER_SENSOR, f"no sensor is named {name!r}") from None
    if reading.unavailable or reading.value is None:
        raise ReadError(Reason.SENSOR_UNREADABLE, f"sensor {name!r} has no reading now")
    if reading.units != "W":
        text = f"sensor {name!r} is not in watts ({reading.units or 'no unit'})"
        raise ReadError(Reason.NO_POWER_SENSOR, text)
    return float(reading.value)


def _explain(number: int, error: Exception) -> Answer:
    if error.args == (None,):  # that is how pyghmi says that nobody was there
        text = "pyghmi: the BMC did not answer"
        return Answer(number, reason=Reason.TIMEOUT, message=text)
    text = f"pyghmi: {error}" if isinstance(error, PyghmiException) else f"pyghmi: {error!r}"
    code = getattr(error, "ipmicode", 0)
    if code == message.PRIVILEGE_INSUFFICIENT:
        return Answer(number, reason=Reason.PRIVILEGE_INSUFFICIENT, message=text)
    if code in dcmi.NOT_THERE:
        return Answer(number, reason=Reason.NO_POWER_SENSOR, message=text)
    for words, reason in _MEANINGS:
        if words in str(error):
            return Answer(number, reason=reason, message=text)
    return Answer(number, reason=Reason.BAD_REPLY, message=text)


def main() -> None:
    """Serve questions until stdin ends."""
    replies = Replies(os.dup(1))
    os.dup2(2, 1)  # pyghmi prints to stdout now and then
    machines: dict[str, Machine] = {}
    for line in sys.stdin.buffer:
        question = msgspec.json.decode(line, type=Question)
        if question.node not in machines or not machines[question.node].thread.is_alive():
            machines[question.node] = Machine(replies)
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
