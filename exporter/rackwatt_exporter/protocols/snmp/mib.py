"""Resolution of symbolic object names to OIDs by a child process, with a cache.

The library that parses MIBs takes 32 MiB and half a second, usually once in the life of an
exporter. Hence a child process, one for all names requested at the same time.
"""

import asyncio
import json
import sys
from collections.abc import Collection
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import run_process
from rackwatt_exporter.reading import ReadError, Reason

CHILD = ("-P", "-m", "rackwatt_exporter.protocols.snmp.mib_worker")
RETRY_AFTER_S = 60.0
CHILD_TIMEOUT_S = 60.0


class _Resolved(NamedTuple):
    number: str | None
    problem: str | None
    until_s: float


class MibResolver:
    """Resolver of symbolic names, and its cache."""

    def __init__(self) -> None:
        self._cache: dict[str, _Resolved] = {}
        self._running: asyncio.Task[None] | None = None

    async def resolve(self, names: Collection[str]) -> dict[str, str]:
        """Return the OID of each name; a caller that is cancelled leaves the search running.

        Raises:
            ReadError: no_power_sensor, with the name, the missing MIB and the directory to put it
                into; the search is repeated after a minute.
        """
        while unknown := [name for name in names if not self._known(name)]:
            if self._running is None:
                self._running = asyncio.create_task(self._find(unknown))
            await asyncio.shield(self._running)
        resolved = {name: self._cache[name] for name in names}
        problems = [each.problem for each in resolved.values() if each.problem is not None]
        if problems:
            raise ReadError(Reason.NO_POWER_SENSOR, "; ".join(problems))
        return {name: each.number for name, each in resolved.items() if each.number is not None}

    async def close(self) -> None:
        """Cancel a running search."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _known(self, name: str) -> bool:
        resolved = self._cache.get(name)
        return resolved is not None and resolved.until_s > asyncio.get_running_loop().time()

    async def _find(self, names: list[str]) -> None:
        try:
            resolved = await _run_child(names)
        finally:
            self._running = None
        retry_s = asyncio.get_running_loop().time() + RETRY_AFTER_S
        for name, (number, problem) in resolved.items():
            until_s = retry_s if number is None else float("inf")
            self._cache[name] = _Resolved(number, problem, until_s)


async def _run_child(names: list[str]) -> dict[str, tuple[str | None, str | None]]:
    try:
        async with asyncio.timeout(CHILD_TIMEOUT_S):
            finished = await run_process((sys.executable, *CHILD, *names))
        output = json.loads(finished.stdout)
        return {name: (output[name]["number"], output[name]["problem"]) for name in names}
    except (OSError, ValueError, KeyError) as error:
        problem = f"the search for symbolic names failed ({type(error).__name__})"
        return {name: (None, f"{name}: {problem}") for name in names}
