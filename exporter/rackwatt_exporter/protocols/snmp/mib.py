"""Symbolic object names into numbers, found by a child process and remembered.

A child, because the library that knows MIBs takes 32 MiB and half a second, once in the life of an
exporter; and one child for all names asked at the same time.
"""

import asyncio
import json
import sys
from collections.abc import Collection
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import run_process
from rackwatt_exporter.reading import ReadError, Reason

CHILD = ("-P", "-m", "rackwatt_exporter.protocols.snmp.mib_worker")
FORGET_FAILURE_S = 60.0
CHILD_TIMEOUT_S = 60.0


class _Answer(NamedTuple):
    number: str | None
    problem: str | None
    until_s: float


class Mibs:
    """The numbers of the names asked so far."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}
        self._running: asyncio.Task[None] | None = None

    async def numbers(self, names: Collection[str]) -> dict[str, str]:
        """Give the number of each name; a caller that is cancelled leaves the search running.

        Raises:
            ReadError: no_power_sensor, saying which name, which MIB is missing, and where to put
                it; it is looked for again after a minute.
        """
        while unknown := [name for name in names if not self._known(name)]:
            if self._running is None:
                self._running = asyncio.create_task(self._find(unknown))
            await asyncio.shield(self._running)
        found = {name: self._answers[name] for name in names}
        problems = [answer.problem for answer in found.values() if answer.problem is not None]
        if problems:
            raise ReadError(Reason.NO_POWER_SENSOR, "; ".join(problems))
        return {name: answer.number for name, answer in found.items() if answer.number is not None}

    async def close(self) -> None:
        """End a search that is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _known(self, name: str) -> bool:
        answer = self._answers.get(name)
        return answer is not None and answer.until_s > asyncio.get_running_loop().time()

    async def _find(self, names: list[str]) -> None:
        try:
            found = await _asked_child(names)
        finally:
            self._running = None
        retry_s = asyncio.get_running_loop().time() + FORGET_FAILURE_S
        for name, (number, problem) in found.items():
            until_s = retry_s if number is None else float("inf")
            self._answers[name] = _Answer(number, problem, until_s)


async def _asked_child(names: list[str]) -> dict[str, tuple[str | None, str | None]]:
    try:
        async with asyncio.timeout(CHILD_TIMEOUT_S):
            finished = await run_process((sys.executable, *CHILD, *names))
        answers = json.loads(finished.output)
        return {name: (answers[name]["number"], answers[name]["problem"]) for name in names}
    except (OSError, ValueError, KeyError) as error:
        told = f"the search for symbolic names failed ({type(error).__name__})"
        return {name: (None, f"{name}: {told}") for name in names}
