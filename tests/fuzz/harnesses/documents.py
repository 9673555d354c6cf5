"""Files of documents, from bytes to sources and to the page that Prometheus reads."""

import math
from pathlib import Path
from unittest.mock import patch

from prometheus_client.parser import text_string_to_metric_families

from rackwatt_crds import hostlist
from rackwatt_crds.loading import load
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.exposition.fleet import FleetExposition
from rackwatt_exporter.polling.limits import ConcurrencyLimiter
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.schedulers.registry import scheduler
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from rackwatt_exporter.targets.registry import DriverRegistry
from tests.virtual_time import run

_ORIGIN = "fleet.yaml"
_SECRETS = Secrets(Path("/nonexistent"))
_PARSED = 8  # targets of each document that are looked at on the page


def examine(data: bytes) -> None:
    """Load any bytes, and do with them all that a reload does."""
    with patch.object(hostlist, "MAX_NAMES", 300):
        loaded = load(data, _ORIGIN)
        built = resolve_fleet(loaded)
    for one in loaded:
        assert one.document is not None or one.problems or one.note
        assert all(problem.reason for problem in one.problems)
        assert all(str(problem).encode() for problem in one.problems)
    _hold_settings(built)
    _hold_what_was(built)
    if built.targets or built.schedulers:
        _hold_page(built)
        run(_open(built))


def _hold_settings(built: Fleet) -> None:
    for node, target in built.targets.items():
        assert node
        assert node == target.node
        _hold_pace(target)
    for binding in built.schedulers.values():
        _hold_pace(binding)


def _hold_pace(paced: Target | SchedulerConfig) -> None:
    assert math.isfinite(paced.interval_s)
    assert paced.interval_s > 0
    assert paced.timeout_s > 0
    assert paced.stale_after_s >= paced.interval_s
    assert paced.max_backoff_s >= paced.interval_s


def _hold_what_was(built: Fleet) -> None:
    """Read again it is the same, and so it is when the file has become garbage."""
    with patch.object(hostlist, "MAX_NAMES", 300):
        assert resolve_fleet(built.documents, built.documents).targets == built.targets
        assert resolve_fleet(load(b"[", _ORIGIN), built.documents).targets == built.targets


def _hold_page(built: Fleet) -> None:
    store = TargetStore(LedgerFile(None))
    roster = NodeStateStore(store)
    exposition = FleetExposition(store, roster, ("power-exporter",))
    shown = list(built.targets.values())[:_PARSED]
    store.sync(shown)
    roster.sync(built.schedulers.values())
    for target in shown:
        store.succeeded(target.node, Reading(1.0, "x"), 0.1)
        store.failed(target.node, ReadError(Reason.TIMEOUT, "x"), 0.1)
    text = b"".join(exposition.text(exposition.snapshot(0.0), False)).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    if shown:
        nodes = [sample.labels["node"] for sample in families["rackwatt_node_power_watts"].samples]
        assert nodes == [target.node for target in shown]


async def _open(built: Fleet) -> None:
    drivers, limits = DriverRegistry(_SECRETS), ConcurrencyLimiter()
    for target in list(built.targets.values())[:_PARSED]:
        limits.healthy(target)
        limits.unproven(target)
        await drivers.source(target).close()
    for binding in built.schedulers.values():
        await scheduler(binding, _SECRETS).close()
    await drivers.close()
