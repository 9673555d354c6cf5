"""BMCs that only a vendor module of pyghmi can read, through pyghmi in processes of its own.

pyghmi blocks, keeps its state in class attributes, and hangs for ever in a process with more than
1024 descriptors: so it lives in child processes with few of each, which are killed when they hang.
Questions and answers are lines of JSON over their pipes; secrets travel there and nowhere else.
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
_GOODBYE_S = 2.0


class WorkerRequest(msgspec.Struct, frozen=True):
    """What a worker is asked: read this machine; or, with `close`, log out of it."""

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
        return f"Question({self.number}, {self.node})"  # passwords and keys never show


class WorkerResponse(msgspec.Struct, frozen=True):
    """What a worker answers: watts, or a reason and its message."""

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
    """The worker processes there are, each with its share of the targets."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._load: Counter[OemWorker] = Counter()

    def source(self, target: Target) -> "OemSource":
        """Make the source of a target, on a worker with room for it."""
        room = (worker for worker, load in self._load.items() if load < TARGETS_PER_WORKER)
        worker = next(room, None) or OemWorker()
        self._load[worker] += 1
        return OemSource(self, worker, target)

    def let_go(self, worker: "OemWorker") -> None:
        """Note that a worker has a target less."""
        self._load[worker] -= 1

    async def close(self) -> None:
        """End every worker."""
        await asyncio.gather(*(worker.close() for worker in self._load))
        self._load.clear()


class OemWorker:
    """A worker for some targets: a child process, started anew after it was killed or died."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._starting = asyncio.Lock()

    async def ask(self, node: str, **question: Any) -> WorkerResponse:
        """Ask and wait for the answer, for as long as that takes or the process lives."""
        async with self._starting:
            if self._child is None or self._child.ended:
                try:
                    self._child = await Child.start()
                except OSError as error:
                    text = f"no worker process for pyghmi: {error}"
                    return WorkerResponse(0, reason=Reason.INTERNAL_ERROR, message=text)
        return await self._child.ask(node, **question)

    def kill(self) -> None:
        """Kill the process, which has hung; the next question starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    async def close(self) -> None:
        """Let the process log out and end."""
        child, self._child = self._child, None
        if child is not None:
            await child.close()


class Child:
    """One running worker process, and who waits for its answers."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[WorkerResponse]] = {}
        self._numbers = count(1)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> "Child":
        """Start the process."""
        command = [sys.executable, "-m", WORKER]
        return cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))

    @property
    def ended(self) -> bool:
        """Whether the process has said its last."""
        return self._listener.done()

    async def ask(self, node: str, **question: Any) -> WorkerResponse:
        """Send a question and wait for its answer."""
        number = next(self._numbers)
        answer: asyncio.Future[WorkerResponse] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = msgspec.json.encode(WorkerRequest(number, node, **question)) + b"\n"
        if self._process.stdin is not None:
            self._process.stdin.write(line)
        return await answer

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Let the process log out and end; kill it if it takes long."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE_S):
                await asyncio.shield(self._listener)
        except TimeoutError:
            self.kill()
            await self._listener

    async def _listen(self) -> None:
        """Hand answers to who asked, until the process ends; then tell those who still wait."""
        while self._process.stdout is not None and (line := await self._process.stdout.readline()):
            answer = msgspec.json.decode(line, type=WorkerResponse)
            _hand_over(self._waiting.pop(answer.number, None), answer)
        code = await self._process.wait()
        text = f"the worker process of pyghmi ended ({code}); another will start"
        for number, waiting in self._waiting.items():
            _hand_over(waiting, WorkerResponse(number, reason=Reason.INTERNAL_ERROR, message=text))


class OemSource:
    """One BMC read by pyghmi.

    A read that is cancelled leaves its question with the worker, which cannot be interrupted; the
    next read waits for that same answer, so that the BMC never has two requests at once.
    """

    def __init__(self, workers: OemWorkers, worker: OemWorker, target: Target) -> None:
        self._workers = workers
        self._worker = worker
        self._target = target
        self._asked: asyncio.Task[WorkerResponse] | None = None
        self._asked_at = 0.0

    @property
    def session(self) -> str:
        """In pyghmi's hands: only that it has been asked is known."""
        return "kept by pyghmi" if self._asked is not None else ""

    async def read(self) -> Reading:
        """Read the power through pyghmi.

        Raises:
            ReadError: with the reason.
        """
        now = asyncio.get_running_loop().time()
        asked = self._asked
        if asked is not None and not asked.done() and now - self._asked_at > HUNG_AFTER_S:
            self._worker.kill()
            await asked
        if asked is None or asked.done():  # an answer that came after its deadline is too old
            ask = self._worker.ask(self._target.node, **self._question())
            asked = self._asked = asyncio.create_task(ask)
            self._asked_at = now
        return (await asyncio.shield(asked)).reading()

    async def close(self) -> None:
        """Have the worker log out, when it has done with what was asked before."""
        self._workers.let_go(self._worker)
        if self._asked is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOGOUT_S):
                await self._worker.ask(self._target.node, close=True)

    def _question(self) -> dict[str, Any]:
        target, options = self._target, self._target.options
        assert isinstance(options, IpmiOptions)  # noqa: S101 - the catalogue pairs them
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


def _hand_over(waiting: "asyncio.Future[WorkerResponse] | None", answer: WorkerResponse) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(answer)
