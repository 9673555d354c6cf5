"""BMCs that only a vendor module of pyghmi can read: pyghmi in worker processes.

pyghmi blocks, keeps its state in class attributes, and hangs forever in a process with more than
1024 descriptors. So it runs in child processes with few of each, which are killed when they hang.
Requests and responses are lines of JSON over their pipes; secrets are sent there and nowhere else.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.protocols.ipmi.handshake import IpmiAccount, parse_kg
from rackwatt_exporter.protocols.ipmi.rmcpplus import LEVELS
from rackwatt_exporter.reading import ReadError, Reading, Reason, Statistics

WORKER = "rackwatt_exporter.targets.ipmi.oem_worker"
TARGETS_PER_WORKER = 64  # as many as pyghmi lets share a socket
HUNG_AFTER_S = 60.0  # pyghmi itself gives up within 25 s
_LOGOUT_S = 1.0
_EXIT_TIMEOUT_S = 2.0


class WorkerRequest(msgspec.Struct, frozen=True):
    """Request to a worker: read this machine; or, with `close`, log out of it."""

    number: int
    node: str
    address: str = ""
    port: int = 0
    username: str = ""
    password: str = ""
    level: int = 0
    sensors: tuple[str, ...] = ()
    kg: str = ""
    close: bool = False

    def __repr__(self) -> str:
        return f"WorkerRequest({self.number}, {self.node})"  # no passwords and keys


class WorkerResponse(msgspec.Struct, frozen=True):
    """Response of a worker: watts, or a reason and its message."""

    number: int
    watts: float | None = None
    source: str = ""
    statistics: Statistics | None = None
    reason: Reason | None = None
    message: str = ""
    remedy: str | None = None

    def reading(self) -> Reading:
        """Return the reading.

        Raises:
            ReadError: the reason why there is none.
        """
        if self.watts is None:
            raise ReadError(self.reason or Reason.BAD_REPLY, self.message, remedy=self.remedy)
        return Reading(self.watts, self.source, statistics=self.statistics)


class OemWorkers:
    """The worker processes, each with its share of the targets."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._load: Counter[OemWorker] = Counter()

    def source(self, target: Target) -> "OemSource":
        """Make the source of a target, on a worker with room for it."""
        room = (worker for worker, load in self._load.items() if load < TARGETS_PER_WORKER)
        worker = next(room, None) or OemWorker()
        self._load[worker] += 1
        return OemSource(self, worker, target)

    def release(self, worker: "OemWorker") -> None:
        """Record that a worker has one target fewer."""
        self._load[worker] -= 1

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(worker.close() for worker in self._load))
        self._load.clear()


class OemWorker:
    """A worker for some targets: a child process, restarted after it was killed or died."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._starting = asyncio.Lock()

    async def request(self, node: str, **fields: Any) -> WorkerResponse:
        """Send a request and wait for its response, as long as the process lives."""
        async with self._starting:
            if self._child is None or self._child.ended:
                try:
                    self._child = await Child.start()
                except OSError as error:
                    text = f"no worker process for pyghmi: {error}"
                    return WorkerResponse(0, reason=Reason.INTERNAL_ERROR, message=text)
        return await self._child.request(node, **fields)

    def kill(self) -> None:
        """Kill the process, which has hung; the next request starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    async def close(self) -> None:
        """Make the process log out and exit."""
        child, self._child = self._child, None
        if child is not None:
            await child.close()


class Child:
    """One running worker process, and its pending requests."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._pending: dict[int, asyncio.Future[WorkerResponse]] = {}
        self._numbers = count(1)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> "Child":
        """Start the process."""
        command = [sys.executable, "-m", WORKER]
        return cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._listener.done()

    async def request(self, node: str, **fields: Any) -> WorkerResponse:
        """Send a request and wait for its response."""
        number = next(self._numbers)
        response: asyncio.Future[WorkerResponse] = asyncio.get_running_loop().create_future()
        self._pending[number] = response
        line = msgspec.json.encode(WorkerRequest(number, node, **fields)) + b"\n"
        if self._process.stdin is not None:
            self._process.stdin.write(line)
        return await response

    def kill(self) -> None:
        """Kill the process."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Make the process log out and exit; kill it if it takes long."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_EXIT_TIMEOUT_S):
                await asyncio.shield(self._listener)
        except TimeoutError:
            self.kill()
            await self._listener

    async def _listen(self) -> None:
        """Settle requests by their responses until the process ends; then fail the others."""
        while self._process.stdout is not None and (line := await self._process.stdout.readline()):
            response = msgspec.json.decode(line, type=WorkerResponse)
            _settle(self._pending.pop(response.number, None), response)
        code = await self._process.wait()
        text = f"the worker process of pyghmi ended ({code}); another will start"
        for number, pending in self._pending.items():
            _settle(pending, WorkerResponse(number, reason=Reason.INTERNAL_ERROR, message=text))


class OemSource:
    """One BMC read by pyghmi.

    A read that is cancelled leaves its request with the worker, which cannot be interrupted. The
    next read waits for that same response, so that the BMC never has two requests at once.
    """

    def __init__(self, workers: OemWorkers, worker: OemWorker, target: Target) -> None:
        self._workers = workers
        self._worker = worker
        self._target = target
        self._request: asyncio.Task[WorkerResponse] | None = None
        self._requested_at = 0.0

    @property
    def session(self) -> str:
        """Whether pyghmi may have a session: only that there was a request is known."""
        return "kept by pyghmi" if self._request is not None else ""

    async def read(self) -> Reading:
        """Read the power through pyghmi.

        Raises:
            ReadError: with the reason.
        """
        now = asyncio.get_running_loop().time()
        request = self._request
        if request is not None and not request.done() and now - self._requested_at > HUNG_AFTER_S:
            self._worker.kill()
            await request
        if request is None or request.done():  # a response after its deadline is too old
            work = self._worker.request(self._target.node, **self._fields())
            request = self._request = asyncio.create_task(work)
            self._requested_at = now
        return (await asyncio.shield(request)).reading()

    async def close(self) -> None:
        """Have the worker log out, after its pending requests."""
        self._workers.release(self._worker)
        if self._request is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOGOUT_S):
                await self._worker.request(self._target.node, close=True)

    def _fields(self) -> dict[str, Any]:
        target, options = self._target, self._target.options
        assert isinstance(options, IpmiOptions)  # noqa: S101 - the registry pairs them
        read, secret = self._workers.secrets.read, target.credentials
        level = LEVELS[options.privilege]
        kg = parse_kg(read(options.kg_secret, "kg")) if options.kg_secret else b""
        account = IpmiAccount(read(secret, "username"), read(secret, "password"), level, kg)
        return {
            "address": target.address,
            "port": options.port,
            "username": account.username.decode("latin-1"),
            "password": account.password.decode("latin-1"),
            "level": level,
            "sensors": options.sensors,
            "kg": account.kg.decode("latin-1"),
        }


def _settle(pending: "asyncio.Future[WorkerResponse] | None", response: WorkerResponse) -> None:
    if pending is not None and not pending.done():
        pending.set_result(response)
