"""The process that calls NVML, as its parent has it: one at a time, and killed when it hangs.

A request that is not answered in time stays with the process, and the next reading waits for its
answer: so the first one may take the seconds that a driver without persistence needs to start its
GPUs. A process that hangs in the kernel survives even SIGKILL. None is started beside it.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from rackwatt_exporter.reading import ReadError, Reason

WORKER = "rackwatt_exporter.collectors.nvidia.worker"
ANSWER_S = 4.0
HUNG_AFTER_S = 30.0
_EXIT_S = 1.0
_MAX_LINE = 4 * 1024 * 1024


class NvmlChild:
    """The child process. A reading waits `answer_s`; after `hung_after_s` the process is killed."""

    def __init__(
        self, library: str, answer_s: float = ANSWER_S, hung_after_s: float = HUNG_AFTER_S
    ) -> None:
        self._command = (sys.executable, "-m", WORKER, library)
        self._answer_s = answer_s
        self._hung_after_s = hung_after_s
        self._process: Process | None = None
        self._answer: asyncio.Task[bytes] | None = None
        self._requested_s = 0.0
        self._killed = False

    async def report(self) -> bytes:
        """Return a report, one line of JSON.

        Raises:
            ReadError: timeout, where NVML hangs; command_failed, where the process ended.
        """
        if self._answer is not None and self._answer.done():  # after its deadline: too old
            self._answer.exception()
            self._answer = None
        if self._answer is None:
            self._answer = asyncio.create_task(self._request())
            self._requested_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            raise self._hung() from None

    async def close(self) -> None:
        """End the process; one that hangs in the kernel is left to end when the call returns."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.cancel()
            await asyncio.wait([answer])
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if answer is not None:
            _kill(process)  # it may be in a call
        with suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_S):
                await process.wait()
        _kill(process)

    async def _request(self) -> bytes:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise ReadError(Reason.INTERNAL_ERROR, "the process that calls NVML has no pipes")
        process.stdin.write(b"\n")
        line = await process.stdout.readline()
        if not line:
            code = await process.wait()
            self._process = None
            message = f"the process that calls NVML ended with status {code}; another will start"
            raise ReadError(Reason.COMMAND_FAILED, message)
        return line

    async def _running(self) -> Process:
        if self._process is None:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=PIPE, stdout=PIPE, limit=_MAX_LINE
                )
            except OSError as error:
                message = f"the process that calls NVML cannot start: {error}"
                raise ReadError(Reason.COMMAND_FAILED, message) from None
            self._killed = False
        return self._process

    def _hung(self) -> ReadError:
        """Return the error of a call that hangs, and kill the process if it has for long."""
        waited_s = asyncio.get_running_loop().time() - self._requested_s
        message = f"NVML has not responded for {waited_s:.0f} s"
        if self._killed:
            message += "; its process cannot be killed, as it hangs in the kernel"
        elif waited_s >= self._hung_after_s and self._process is not None:
            message += "; its process was killed"
            self._killed = True
            _kill(self._process)
        remedy = "A GPU has failed: `dmesg` has its Xid. Restart the node if `nvidia-smi` hangs."
        return ReadError(Reason.TIMEOUT, message, remedy=remedy)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
