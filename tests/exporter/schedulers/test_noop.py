"""Pinned states."""

from pathlib import Path

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.schedulers.noop import noop
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.snapshots import states


async def test_pinned_states_are_those_of_the_document_with_host_lists_expanded() -> None:
    spec = "noop: {states: [{names: 'n[1-2]', state: idle}, {names: x, state: drained}]}"
    scheduler = noop(resolved(spec), Secrets(Path()))
    assert states(await scheduler.read()) == {"n1": "idle", "n2": "idle", "x": "drained"}
    await scheduler.close()
