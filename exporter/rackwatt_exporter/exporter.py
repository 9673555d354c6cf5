"""The exporter whole: every room joined to the next, in the one direction that data moves.

Documents, fleet, sources, pollers, store, page: this is the only module that knows them all.
"""

import asyncio
import logging
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from rackwatt_crds.wording import counted
from rackwatt_exporter.config import files
from rackwatt_exporter.config.fleet import Fleet, fleet
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

_LOOK_S = 2.0
_LONGEST_SAVE_S = 30.0
_OWN_DESCRIPTORS = 640  # those who ask us (512 at most), files, child processes
# What a Secret that has come or changed may mend.
_OF_SECRETS = frozenset(
    {
        Reason.CREDENTIALS_MISSING,
        Reason.AUTH_FAILED,
        Reason.TLS_FAILED,
        Reason.HOST_KEY_FAILED,
    }
)


class Exporter:
    """Polls what the documents at `paths` say; without a state directory no counter is kept."""

    def __init__(
        self,
        paths: Sequence[Path],
        secrets: Secrets,
        state_directory: Path | None = None,
        profiles: Iterable[str] = (),
        shard: Shard = WHOLE,
        host: HostPaths | None = None,
        retention_s: float = RETENTION_S,
    ) -> None:
        self._paths = paths
        self._secrets = secrets
        self._shard = shard
        self._seen: files.Fingerprint = ()
        self._secrets_seen = secrets.fingerprint()
        self._ledger = LedgerFile(state_directory, retention_s)
        self.fleet = Fleet()
        self._reloading = asyncio.Lock()
        self.reload_asked = asyncio.Event()
        self.reloaded_at_s = 0.0
        self.host = host or HostPaths()
        self.registry = Registry(self._ledger, secrets, self.host)
        self.targets = self.registry.targets.store
        self.schedulers = self.registry.schedulers.store
        self.history = History(self.targets)
        self.exposition = FleetExposition(self.targets, self.schedulers, profiles)

    async def reload(self) -> None:
        """Read the documents and make it so; what has not changed goes on undisturbed."""
        async with self._reloading:
            self._seen = files.fingerprint(self._paths)
            documents = await asyncio.to_thread(files.documents, self._paths)
            self._take(self._shard.part(fleet(documents, self.fleet.documents)))

    async def watch(self) -> None:
        """Reload whenever the documents change, or it is asked for, until cancelled."""
        while True:
            with suppress(TimeoutError):  # wait_for may swallow a cancellation (Python 3.11)
                async with asyncio.timeout(_LOOK_S):
                    await self.reload_asked.wait()
            if self.reload_asked.is_set() or files.fingerprint(self._paths) != self._seen:
                self.reload_asked.clear()
                await self.reload()
            if self._secrets.fingerprint() != self._secrets_seen:
                self._renew()

    async def keep(self) -> None:
        """Write the ledger every interval, until cancelled."""
        while True:
            shortest_s = min(_intervals_s(self.fleet), default=_LONGEST_SAVE_S)
            save_s = min(max(shortest_s, 1.0), _LONGEST_SAVE_S)
            await self._ledger.save(2 * save_s, self.targets.records)
            await asyncio.sleep(save_s)

    def withdraw_stale(self) -> None:
        """Withdraw every value that is too old by now."""
        for pipeline in self.registry:
            pipeline.store.withdraw_stale()

    async def close(self) -> None:
        """Close every session, then write the ledger for the last time."""
        await asyncio.gather(*(pipeline.close() for pipeline in self.registry))
        await self._ledger.save(0, self.targets.records)

    def _take(self, resolved: Fleet) -> None:
        self.fleet = resolved
        self.reloaded_at_s = time.time()
        for note in self.fleet.notes:
            log.info("%s", note)
        for problem in self.fleet.problems:
            log.error("%s", problem)
        for pipeline in self.registry:
            pipeline.sync(self.fleet)
        self._tell_descriptors()
        shard = "" if self._shard is WHOLE else f" of shard {self._shard}"
        log.info(
            "documents read%s: %s",
            shard,
            ", ".join(
                [*self.registry.sizes(self.fleet), counted(len(self.fleet.problems), "problem")]
            ),
        )

    def _renew(self) -> None:
        """Ask soon what failed for want of the right Secret: they have changed."""
        self._secrets_seen = self._secrets.fingerprint()
        for pipeline in self.registry:
            pipeline.retry(self.fleet, _OF_SECRETS)
        log.info("secrets have changed")

    def _tell_descriptors(self) -> None:
        """Say before they run out how many descriptors the fleet takes (commands/loop.py)."""
        needed = _OWN_DESCRIPTORS + descriptors(self.fleet.targets.values())
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if needed <= allowed:
            log.info("up to %d descriptors are needed, %d may be had", needed, allowed)
            return
        told = (
            "raise the hard limit (LimitNOFILE= of systemd, nofile of a container), or use shards"
        )
        log.error("up to %d descriptors are needed, only %d may be had: %s", needed, allowed, told)


def _intervals_s(fleet: Fleet) -> Iterator[float]:
    """Go through the intervals at which something is booked."""
    yield from (target.interval_s for target in fleet.targets.values())
    yield from (instrument.schedule.interval_s for instrument in fleet.instruments.values())
