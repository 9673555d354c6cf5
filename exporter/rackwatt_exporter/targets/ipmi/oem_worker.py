"""Worker process in which pyghmi runs: requests on stdin, responses on stdout.

Each machine has a thread of its own, since pyghmi blocks: one that does not respond delays no
other. At the end of stdin every session is closed, and the process exits.
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

from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.power_commands import POWER_COMMANDS
from rackwatt_exporter.reading import ReadError, Reason, Statistics
from rackwatt_exporter.targets.ipmi.dcmi_absence import DcmiAbsence
from rackwatt_exporter.targets.ipmi.oem import WorkerRequest, WorkerResponse
from rackwatt_exporter.targets.ipmi.oem_power import (
    command_watts,
    dcmi_power,
    manufacturer_of,
    raise_if_powered_off,
    sum_of_sensors,
    vendor_watts,
)
from rackwatt_exporter.targets.power_state import PowerStateMonitor

_SILENT_REMEDY = (
    "Name the sensors that have its power in `ipmi.sensors`, or try another `method`. If it "
    "responded before, restart the BMC."
)
IDLE_LIMIT_S = 45.0  # then the BMC may have ended the session: pyghmi would take 20 s to notice
_LOGOUT_TIMEOUT_S = 1.0

# Parts of pyghmi's messages and their reasons; nothing else distinguishes them.
_REASONS = (
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

    def __init__(self, pipe: "ResponsePipe") -> None:
        self.requests: SimpleQueue[WorkerRequest | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self._pipe = pipe
        self._command: Command | None = None
        self._login: tuple[object, ...] = ()
        self._used_at = 0.0
        self._power_state = PowerStateMonitor()
        self._dcmi_absence = DcmiAbsence()
        self._manufacturer: int | None = None
        self.thread.start()

    def _serve(self) -> None:
        while (request := self.requests.get()) is not None and not request.close:
            self._pipe.send(self._answer(request))
        self._log_out()
        if request is not None:
            self._pipe.send(WorkerResponse(request.number, reason=Reason.INTERNAL_ERROR))

    def _answer(self, request: WorkerRequest) -> WorkerResponse:
        try:
            response = self._read(request)
        except ReadError as error:
            return WorkerResponse(
                request.number, reason=error.reason, message=str(error), remedy=error.remedy
            )
        except socket.gaierror as error:
            text = f"{request.address}: {error}"
            return WorkerResponse(request.number, reason=Reason.NAME_UNRESOLVED, message=text)
        except Exception as error:  # pyghmi raises whatever its parsers stumble over
            self._log_out()
            return _explain(request.number, error)
        self._used_at = time.monotonic()
        return response

    def _read(self, request: WorkerRequest) -> WorkerResponse:
        command = self._logged_in(request)
        try:
            watts, source, statistics = self._power(request, command)
        except (ReadError, IpmiException) as error:
            refused = _refusal(error)
            if refused.reason is not Reason.TIMEOUT:
                raise_if_powered_off(command)
            raise refused from None
        if self._power_state.needs_check(watts):
            raise_if_powered_off(command)
            self._power_state.confirmed_on(watts)
        return WorkerResponse(request.number, watts, source, statistics)

    def _power(
        self, request: WorkerRequest, command: Command
    ) -> tuple[float, str, Statistics | None]:
        if names := request.sensors:
            return sum_of_sensors(names, command), f"sensor:{'+'.join(names)}", None
        if (watts := vendor_watts(command)) is not None:
            return watts, "oem", None
        if self._manufacturer is None:
            self._manufacturer = manufacturer_of(command)
        power = POWER_COMMANDS.get(self._manufacturer)
        if power and (watts := command_watts(power, command)) is not None:
            return watts, "oem", None
        if self._dcmi_absence.assumed:
            raise_if_powered_off(command)
            raise _dcmi_silent()
        try:
            watts, statistics = dcmi_power(command)
        except IpmiException as error:
            if _reason(error) is not Reason.TIMEOUT:
                raise
            self._log_out()  # pyghmi has given its session up
            raise_if_powered_off(self._logged_in(request))
            if not self._dcmi_absence.silent():
                raise
            raise _dcmi_silent() from None
        self._dcmi_absence.succeeded()
        return watts, "dcmi", statistics

    def _logged_in(self, request: WorkerRequest) -> Command:
        """Return the kept session, or a new one if it is old or the credentials have changed."""
        # As bytes: with str, pyghmi keeps a host that failed at first contact forever.
        username, password = (
            request.username.encode("latin-1"),
            request.password.encode("latin-1"),
        )
        kg = request.kg.encode("latin-1") or None
        login = (request.address, request.port, username, password, request.level, kg)
        idle_s = time.monotonic() - self._used_at
        if self._command is None or login != self._login or idle_s > IDLE_LIMIT_S:
            self._log_out()
            address, port = request.address, request.port
            self._command = Command(
                address, username, password, port, kg=kg, privlevel=request.level
            )
            # Each command without a response would be repeated in new sessions, for a minute.
            self._command.ipmi_session.logontries = 0
            self._login, self._manufacturer = login, None
        return self._command

    def _log_out(self) -> None:
        command, self._command = self._command, None
        if command is not None:
            with suppress(Exception):  # the process or the session ends anyway
                command.ipmi_session.logout(False)


class ResponsePipe:
    """Pipe to the parent; writes one whole line at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, response: WorkerResponse) -> None:
        """Send a response; the parent may have gone."""
        line = msgspec.json.encode(response) + b"\n"
        with self._lock, suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._descriptor, line) :]


def _refusal(error: ReadError | IpmiException) -> ReadError:
    """Return the error of a completion code; `_explain` handles what else pyghmi raises.

    Raises:
        IpmiException: it has no completion code.
    """
    if isinstance(error, ReadError):
        return error
    if not 0 < error.ipmicode <= 0xFF:
        raise error
    return CompletionError("pyghmi", error.ipmicode)


def _dcmi_silent() -> ReadError:
    text = (
        "pyghmi has no module for this vendor, and the BMC does not respond to DCMI, where it "
        "answers others: name ipmi.sensors"
    )
    return ReadError(Reason.TIMEOUT, text, remedy=_SILENT_REMEDY)


def _reason(error: Exception) -> Reason:
    """Return the reason that the words of an exception say."""
    said = (reason for words, reason in _REASONS if words in str(error))
    return next(said, Reason.BAD_REPLY)


def _explain(number: int, error: Exception) -> WorkerResponse:
    if error.args == (None,):  # pyghmi's way to report that nothing responded
        text = "pyghmi: the BMC did not respond"
        return WorkerResponse(number, reason=Reason.TIMEOUT, message=text)
    text = f"pyghmi: {error}" if isinstance(error, PyghmiException) else f"pyghmi: {error!r}"
    return WorkerResponse(number, reason=_reason(error), message=text)


def main() -> None:
    """Serve requests until the end of stdin."""
    pipe = ResponsePipe(os.dup(1))
    os.dup2(2, 1)  # pyghmi sometimes prints to stdout
    machines: dict[str, WorkerTarget] = {}
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=WorkerRequest)
        if request.node not in machines or not machines[request.node].thread.is_alive():
            machines[request.node] = WorkerTarget(pipe)
        machines[request.node].requests.put(request)
        if request.close:
            del machines[request.node]
    for machine in machines.values():
        machine.requests.put(None)
    deadline = time.monotonic() + _LOGOUT_TIMEOUT_S
    for machine in machines.values():
        machine.thread.join(max(0.0, deadline - time.monotonic()))
    os._exit(0)  # without waiting for pyghmi's own threads


if __name__ == "__main__":
    main()
