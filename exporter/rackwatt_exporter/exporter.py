"""The exporter: loads documents, runs the pipelines and keeps the exposition up to date.

This is the only module that connects all packages, in the direction in which data moves.
"""

import asyncio
import logging
import resource
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rackwatt_crds.wording import counted
from rackwatt_exporter.allocator import return_large_blocks
from rackwatt_exporter.config import files
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.shard import WHOLE, Shard
from rackwatt_exporter.exposition.fleet import FleetExposition
from rackwatt_exporter.history import History
from rackwatt_exporter.pipelines.registry import Registry
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.store.ledger_file import RETENTION_S, LedgerFile
from rackwatt_exporter.targets.registry import descriptors

log = logging.getLogger(__name__)

_WATCH_S = 2.0
_MIN_SAVE_S = 1.0
_MAX_SAVE_S = 30.0
_OWN_DESCRIPTORS = 640  # HTTP clients (512 at most), files, child processes
# Failures that a new or changed Secret may fix.
_SECRET_REASONS = frozenset(
    {
        Reason.CREDENTIALS_MISSING,
        Reason.AUTH_FAILED,
        Reason.TLS_FAILED,
        Reason.HOST_KEY_FAILED,
    }
)


class Exporter:
    """Exporter of the fleet that the documents at `paths` configure.

    Without a state directory, energy counters do not survive a restart.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        secrets: Secrets,
        state_directory: Path | None = None,
        profiles: Collection[str] = (),
        shard: Shard = WHOLE,
        host: HostPaths | None = None,
        retention_s: float = RETENTION_S,
    ) -> None:
        self._paths = paths
        self._secrets = secrets
        self._shard = shard
        self._fingerprint: files.Fingerprint = ()
        self._secrets_fingerprint = secrets.fingerprint()
        self._ledger = LedgerFile(state_directory, retention_s)
        self.fleet = Fleet()
        self._reloading = asyncio.Lock()
        self.reload_requested = asyncio.Event()
        self.reloaded_at_s = 0.0
        self.host = host or HostPaths()
        self.registry = Registry(self._ledger, secrets, self.host, profiles)
        self.targets = self.registry.targets.store
        self.schedulers = self.registry.schedulers.store
        self.history = History(self.targets)
        self.exposition = FleetExposition(self.targets, self.schedulers, profiles)

    async def reload(self) -> None:
        """Load the documents and apply them; unchanged targets are not disturbed."""
        async with self._reloading:
            self._fingerprint = files.fingerprint(self._paths)
            documents = await asyncio.to_thread(files.load_documents, self._paths)
            self._apply(self._shard.select(resolve_fleet(documents, self.fleet.documents)))

    async def watch(self) -> None:
        """Reload whenever the documents change or a reload is requested, until cancelled."""
        while True:
            with suppress(TimeoutError):  # wait_for may swallow a cancellation (Python 3.11)
                async with asyncio.timeout(_WATCH_S):
                    await self.reload_requested.wait()
            if (
                self.reload_requested.is_set()
                or files.fingerprint(self._paths) != self._fingerprint
            ):
                self.reload_requested.clear()
                await self.reload()
            if self._secrets.fingerprint() != self._secrets_fingerprint:
                self._retry_failed()

    async def save_periodically(self) -> None:
        """Write the ledger periodically, and early at first, until cancelled.

        A process that is killed soon after its start must not lose where its counters were.
        """
        wait_s = _MIN_SAVE_S
        while True:
            await asyncio.sleep(wait_s)
            interval_s = min(_intervals_s(self.fleet), default=_MAX_SAVE_S)
            wait_s = min(max(interval_s, _MIN_SAVE_S), _MAX_SAVE_S)
            await self._ledger.save(2 * wait_s, self.targets.records)

    def withdraw_stale(self) -> None:
        """Withdraw every stale value."""
        for pipeline in self.registry:
            pipeline.store.withdraw_stale()

    async def close(self) -> None:
        """Close every session, then write the ledger."""
        await asyncio.gather(*(pipeline.close() for pipeline in self.registry))
        await self._ledger.save(0, self.targets.records)

    def _apply(self, fleet: Fleet) -> None:
        if fleet.targets or fleet.schedulers:  # a node from inside has no large block
            return_large_blocks()
        self.fleet = fleet
        self.reloaded_at_s = time.time()
        for note in self.fleet.notes:
            log.info("%s", note)
        for problem in self.fleet.problems:
            log.error("%s", problem)
        for pipeline in self.registry:
            pipeline.sync(self.fleet)
        self._log_descriptors()
        shard = "" if self._shard is WHOLE else f" of shard {self._shard}"
        log.info(
            "documents read%s: %s",
            shard,
            ", ".join(
                [*self.registry.sizes(self.fleet), counted(len(self.fleet.problems), "problem")]
            ),
        )

    def _retry_failed(self) -> None:
        """Retry what failed because of a Secret, now that Secrets have changed."""
        self._secrets_fingerprint = self._secrets.fingerprint()
        for pipeline in self.registry:
            pipeline.retry(self.fleet, _SECRET_REASONS)
        log.info("secrets changed")

    def _log_descriptors(self) -> None:
        """Log how many file descriptors the fleet needs and may open (commands/runtime.py)."""
        needed = _OWN_DESCRIPTORS + descriptors(self.fleet.targets.values())
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if needed <= allowed:
            log.info("enough file descriptors needed=%d limit=%d", needed, allowed)
            return
        advice = (
            "raise the hard limit (LimitNOFILE in systemd, ulimit in a container) or use shards"
        )
        log.error("too few file descriptors needed=%d limit=%d: %s", needed, allowed, advice)


def _intervals_s(fleet: Fleet) -> Iterator[float]:
    """Yield the intervals at which energy is accounted."""
    yield from (target.interval_s for target in fleet.targets.values())
    yield from (collector.schedule.interval_s for collector in fleet.collectors.values())
    yield from (units.schedule.interval_s for units in fleet.units.values())
