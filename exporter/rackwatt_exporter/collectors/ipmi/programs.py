"""Programs that read the power of the machine's BMC, in the order in which they are looked for.

Each runs in a process group of its own, which is killed when the reading is cancelled, and in an
environment of few variables. A program hangs where its driver does: while one cannot be killed, it
is not started again (protocols/command/stuck.py).
"""

import os
import shutil
from collections.abc import Sequence

from rackwatt_exporter.protocols.command.process import (
    ProcessTimeoutError,
    command_failed,
    environment,
    one_line,
    run_process,
)
from rackwatt_exporter.protocols.ipmi.completion_codes import INVALID_COMMAND, CompletionError
from rackwatt_exporter.protocols.ipmi.dcmi import PowerReading
from rackwatt_exporter.protocols.ipmi.ipmitool import completion_code
from rackwatt_exporter.protocols.ipmi.power_text import parse_power_text
from rackwatt_exporter.reading import ReadError, Reason

KNOWN = (
    ("ipmi-dcmi", "--get-system-power-statistics"),
    ("ipmitool", "dcmi", "power", "reading"),
    ("ipmiutil", "dcmi", "power"),
    ("capmc", "get_system_power", "-w", "600"),
)
_FREEIPMI_REFUSAL = "command invalid or unsupported"
# Where they are installed, and services often do not look.
_SYSTEM = ("/sbin", "/usr/sbin", "/usr/local/sbin")


class PowerProgram:
    """A program that prints the power of this machine."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = tuple(argv)

    @property
    def name(self) -> str:
        """The program, for messages; its arguments are the user's."""
        return self._argv[0]

    async def read(self) -> PowerReading:
        """Run it, and parse what it prints.

        Raises:
            CompletionError: the BMC refused, as ipmitool and FreeIPMI print it.
            ReadError: command_failed, bad_reply; timeout, while an earlier run hangs in the kernel.
        """
        try:
            path = _search_path()
            program = shutil.which(self._argv[0], path=path) or self._argv[0]
            finished = await run_process(
                (program, *self._argv[1:]), env=environment() | {"PATH": path}
            )
        except ProcessTimeoutError as error:
            message = f"{self.name}: {one_line(error.stderr.decode(), 0)}"
            raise ReadError(Reason.TIMEOUT, message) from None
        except OSError as error:
            message = f"{self.name} cannot be run: {error.strerror}"
            raise ReadError(Reason.COMMAND_FAILED, message) from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        if finished.returncode:
            failure = command_failed(finished, self._argv)
            code = _refusal(failure.stderr)
            raise failure if code is None else CompletionError(self.name, code)
        return parse_power_text(finished.stdout)


def _refusal(errors: str) -> int | None:
    """Return the completion code of a refusal; FreeIPMI has words for it."""
    return INVALID_COMMAND if _FREEIPMI_REFUSAL in errors else completion_code(errors)


def installed_program() -> PowerProgram | None:
    """Return the first known program that is installed."""
    path = _search_path()
    return next((PowerProgram(argv) for argv in KNOWN if shutil.which(argv[0], path=path)), None)


def _search_path() -> str:
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM))
