"""This machine's own BMC, through the kernel's device: one command at a time, in a child process.

The child (openipmi.py) is killed when a request is cancelled or its response is overdue. A child
that the kernel does not let die is left alone, and none is started beside it: one hangs, not a
thousand.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

from rackwatt_exporter.protocols.command.process import REAP_TIMEOUT_S, environment
from rackwatt_exporter.protocols.ipmi import openipmi
from rackwatt_exporter.protocols.ipmi.completion_codes import OK, CompletionError
from rackwatt_exporter.reading import ReadError, Reason

WORKER = (sys.executable, "-I", "-S", openipmi.__file__)
HUNG_AFTER_S = openipmi.RESPONSE_S + 2.0
_EXIT_S = 1.0
_LAN = "Get LAN Configuration Parameters"
_NETFN_TRANSPORT = 0x0C


def device_paths(devfs: Path, number: int) -> tuple[Path, ...]:
    """Return where the kernel and its distributions have had the device of a number."""
    return devfs / f"ipmi{number}", devfs / f"ipmi/{number}", devfs / f"ipmidev/{number}"


class LocalBmc:
    """The BMC behind the first of some devices that exists; `worker` is the child's command."""

    def __init__(self, devices: Sequence[Path], worker: Sequence[str] = WORKER) -> None:
        self._command = (*worker, *map(str, devices))
        self._child: Process | None = None
        self._numbers = count(1)

    async def command(self, name: str, code: tuple[int, int], data: bytes = b"") -> bytes:
        """Send a command and return the data of its response, without the completion code.

        `code` is network function and command; `name` is for messages.

        Raises:
            CompletionError: the BMC refused.
            ReadError: absent, permission_denied, sensor_unreadable or timeout, of the device;
                bad_reply.
        """
        netfn, number = code
        payload = await self._exchange(f"{netfn} {number} {data.hex() or '-'}")
        if payload[0] != OK:
            raise CompletionError(name, payload[0])
        return payload[1:]

    async def close(self) -> None:
        """End the child: it ends by itself at the end of its input."""
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_S):
                await child.wait()
        except TimeoutError:
            _kill(child)

    async def _exchange(self, request: str) -> bytes:
        """Exchange a request for its response; a child that does not answer is killed.

        Raises:
            ReadError: as `command`.
        """
        child = await self._started()
        number = next(self._numbers)
        line: bytes | None = None
        try:
            async with asyncio.timeout(HUNG_AFTER_S):
                line = await _answer(child, f"{number} {request}\n")
        except TimeoutError:
            message = "the kernel's IPMI driver hangs: its process was killed"
            raise ReadError(Reason.TIMEOUT, message) from None
        finally:
            if line is None:  # cancelled as well
                await self._killed(child)
        return await self._payload(child, number, line)

    async def _payload(self, child: Process, number: int, line: bytes) -> bytes:
        its_number, _, answer = line.decode("utf-8", "replace").rstrip("\n").partition(" ")
        outcome, _, rest = answer.partition(" ")
        if its_number != str(number):
            await self._killed(child)
            raise ReadError(Reason.INTERNAL_ERROR, f"the child for IPMI ended: {answer!r}")
        if outcome != "ok":
            raise ReadError(Reason(outcome), rest)
        return bytes.fromhex(rest)

    async def _started(self) -> Process:
        """Return the child that runs, or a new one.

        Raises:
            ReadError: timeout, while the one before hangs; internal_error, where none can be
                started.
        """
        if self._child is not None and self._child.returncode is not None:
            self._child = None
        if self._child is None:
            try:
                self._child = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=PIPE,
                    stdout=PIPE,
                    stderr=DEVNULL,
                    start_new_session=True,
                    env=environment(),
                )
            except OSError as error:
                message = f"no child process for IPMI: {error}"
                raise ReadError(Reason.INTERNAL_ERROR, message) from None
        elif self._child.stdin is None or self._child.stdin.is_closing():
            message = (
                f"process {self._child.pid}, which was killed, still hangs in the kernel's IPMI "
                "driver"
            )
            raise ReadError(Reason.TIMEOUT, message)
        return self._child

    async def _killed(self, child: Process) -> None:
        """Kill the child, and forget it if it ends."""
        if child.stdin is not None:
            child.stdin.close()
        _kill(child)
        with suppress(TimeoutError):
            async with asyncio.timeout(REAP_TIMEOUT_S):
                await child.wait()


async def _answer(child: Process, line: str) -> bytes:
    """Return the child's next line; empty where it has ended."""
    assert child.stdin is not None  # noqa: S101 - both are pipes
    assert child.stdout is not None  # noqa: S101
    with suppress(ConnectionError):
        child.stdin.write(line.encode())
        await child.stdin.drain()
    return await child.stdout.readline()


def _kill(child: Process) -> None:
    with suppress(ProcessLookupError):
        child.kill()


async def lan_address(bmc: LocalBmc) -> str:
    """Return the IPv4 address of a BMC on its first LAN channel.

    Get LAN Configuration Parameters, parameter 3 (IPMI v2.0 sections 23.2 and 23.1).

    Raises:
        ReadError: as `command`; absent, where it has none; bad_reply.
    """
    data = await bmc.command(_LAN, (_NETFN_TRANSPORT, 0x02), bytes((0x01, 0x03, 0x00, 0x00)))
    if len(data) < 5:
        raise ReadError(Reason.BAD_REPLY, f"{_LAN}: {len(data)} bytes, too few")
    address = str(IPv4Address(data[1:5]))  # behind the revision of the parameter
    if address == "0.0.0.0":  # noqa: S104 - it is compared, nothing binds it
        message = "the BMC has no address on its first LAN channel: name redfish.hostname"
        raise ReadError(Reason.ABSENT, message)
    return address
