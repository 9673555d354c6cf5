"""The service of one process: a store, the updates of each cluster, and what serves them.

Each cluster has tasks of its own for units, energy and associations: a source that fails holds up
neither another cluster nor an answer.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from functools import partial

from aiohttp import web

from rackwatt_accounting.api.app import build_app
from rackwatt_accounting.config.accounting import AccountingConfig, PrometheusConfig
from rackwatt_accounting.config.documents import Resolved
from rackwatt_accounting.energy.counters import CounterReader
from rackwatt_accounting.identity.identification import ways_of
from rackwatt_accounting.identity.rights import Rules
from rackwatt_accounting.metrics import render
from rackwatt_accounting.model.calendar import Calendar
from rackwatt_accounting.sources.base import AccountingSource
from rackwatt_accounting.sources.registry import accounting_source
from rackwatt_accounting.storage.database import Database
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.updating.cycle import Cycle
from rackwatt_accounting.updating.energy import EnergyUpdates
from rackwatt_accounting.updating.retention import Retention
from rackwatt_accounting.updating.units import UnitUpdates
from rackwatt_exporter.config.secrets import Secrets, authorization
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.prometheus import PrometheusApi

_ASSOCIATIONS_S = 3600.0
_RETENTION_S = 86400.0
_PROMETHEUS_TIMEOUT_S = 60.0


class Cluster:
    """The updates of one cluster."""

    def __init__(self, config: AccountingConfig, store: Store, secrets: Secrets) -> None:
        """Raise ValueError: its scheduler keeps no accounting that is read here."""
        self.config = config
        self.source: AccountingSource = accounting_source(config.scheduler, secrets)
        self.units = UnitUpdates(store, config.cluster, self.source)
        self._api = _prometheus(config.prometheus, secrets) if config.prometheus else None
        self.energy = (
            EnergyUpdates(store, config.cluster, CounterReader(self._api, config.scheduler.kind))
            if self._api
            else None
        )
        self.cycles = dict(self._cycles())
        self._has_units = asyncio.Event()

    def _cycles(self) -> Iterator[tuple[str, Cycle]]:
        name, interval_s = self.config.name, self.config.update_interval_s
        yield "units", Cycle(f"{name}: units", self._update_units, interval_s)
        yield (
            "associations",
            Cycle(f"{name}: associations", self.units.update_associations, _ASSOCIATIONS_S),
        )
        if self.energy is not None:
            yield "energy", Cycle(f"{name}: energy", self.energy.update, interval_s)

    def tasks(self) -> Iterator[asyncio.Task[None]]:
        """Start the updates; that of energy waits for the first units."""
        for subject, cycle in self.cycles.items():
            follows = subject == "energy"
            yield asyncio.create_task(self._after_units(cycle) if follows else cycle.run())

    async def _update_units(self) -> int:
        written = await self.units.update()
        self._has_units.set()
        return written

    async def _after_units(self, cycle: Cycle) -> None:
        await self._has_units.wait()
        await cycle.run()

    async def close(self) -> None:
        """Close the connections."""
        await self.source.close()
        if self._api is not None:
            await self._api.close()


class Service:
    """Everything that one process runs. `clusters` are by the name of their binding."""

    def __init__(self, resolved: Resolved, database: Database, secrets: Secrets) -> None:
        """Raise ValueError: a scheduler has no accounting, or the identity has a mistake."""
        self._shared = resolved.shared
        self._secrets = secrets
        self.store = Store(database, Calendar(self._shared.zone))
        self.clusters = {
            name: Cluster(config, self.store, secrets)
            for name, config in resolved.accounting.items()
        }
        self.retention = Retention(self.store, self._shared.retention.units_days)
        self._refusals: Counter[str] = Counter()

    def app(self) -> web.Application:
        """Build the application; without an identity each request is refused."""
        identity, rights = self._shared.identity, self._shared.rights
        rules = Rules(rights.admins, rights.staff, rights.auditors, rights.members_see_all)
        ways = tuple(ways_of(identity, self._secrets, self._refusals)) if identity else ()
        by_cluster = {one.config.cluster: rules for one in self.clusters.values()}
        return build_app(self.store, by_cluster, ways, self.metrics, self._refusals)

    def metrics(self) -> bytes:
        """Return the metrics of updates, as Prometheus reads them."""
        progress = {
            (one.config.cluster, subject): cycle.progress
            for one in self.clusters.values()
            for subject, cycle in one.cycles.items()
        }
        return render(progress, self._refusals)

    async def open(self) -> None:
        """Open the store; raises StorageError."""
        await self.store.open()

    def tasks(self) -> Iterator[asyncio.Task[None]]:
        """Start the updates of all clusters."""
        for cluster in self.clusters.values():
            yield from cluster.tasks()
        yield asyncio.create_task(Cycle("retention", self.retention.apply, _RETENTION_S).run())

    async def close(self) -> None:
        """Close all connections and the store."""
        for cluster in self.clusters.values():
            await cluster.close()
        await self.store.close()


def _prometheus(config: PrometheusConfig, secrets: Secrets) -> PrometheusApi:
    tls = partial(tls_parameters, config.tls, secrets)
    login = config.credentials
    return PrometheusApi(
        HttpClient(config.url.rstrip("/"), tls, _PROMETHEUS_TIMEOUT_S),
        partial(authorization, secrets, login) if login else dict,
    )
