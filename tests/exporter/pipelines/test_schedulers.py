"""The pipeline of schedulers: which families are made of a snapshot for a binding."""

from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines.schedulers import SchedulerPipeline
from rackwatt_exporter.schedulers.views.slurm_families import PROFILE
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from tests.exporter.schedulers.bindings import resolved
from tests.exporter.schedulers.snapshots import full_snapshot


def slurm_families(spec: str, *profiles: str) -> set[str]:
    """Return the families of the profile that are made for a binding."""
    store = NodeStateStore(TargetStore(LedgerFile(None)))
    store.sync([resolved(spec)])
    store.succeeded("prod", full_snapshot({"n1": "idle"}), 0.1)
    pipeline = SchedulerPipeline(store, Secrets(Path()), profiles)
    lines = pipeline.families(0.0)
    return {family.name for family, made in lines if made and family.name.startswith("slurm_")}


def test_the_profile_is_that_of_slurm_alone() -> None:
    assert "slurm_cpus_total" in slurm_families("slurm: {cli: {}}", PROFILE)
    assert "slurm_user_state_total" in slurm_families("slurm: {cli: {}}", PROFILE)
    for other in ("gridengine: {root: /opt/sge, cli: {}}", "noop: {}"):
        assert slurm_families(other, PROFILE) == set()


def test_the_profile_has_no_family_if_it_is_disabled() -> None:
    assert slurm_families("slurm: {cli: {}}", "power-exporter") == set()


@pytest.mark.parametrize("pattern", ["slurm_.*", "slurm_user_.*"])
def test_the_pattern_of_the_document_excludes_families_of_the_profile(pattern: str) -> None:
    every = slurm_families("slurm: {cli: {}}", PROFILE)
    spec = f'slurm: {{cli: {{}}}}, metrics: {{exclude: "{pattern}"}}'
    left = slurm_families(spec, PROFILE)
    part = pattern.removesuffix(".*")
    assert left == {name for name in every if not name.startswith(part)} < every


def test_the_page_of_a_snapshot_is_rendered_once_however_many_scrapes_there_are() -> None:
    store = NodeStateStore(TargetStore(LedgerFile(None)))
    store.sync([resolved("slurm: {cli: {}}")])
    pipeline = SchedulerPipeline(store, Secrets(Path()))

    def of_nodes() -> list[bytes]:
        pages = {family.name: lines for family, lines in pipeline.families(0.0)}
        return pages["rackwatt_scheduler_node_state"]

    store.succeeded("prod", full_snapshot({"n1": "idle", "n2": "down"}), 0.1)
    (first,), (second,) = of_nodes(), of_nodes()
    assert first is second
    assert first.count(b"\n") == 2
    store.succeeded("prod", full_snapshot({"n1": "idle"}), 0.1)
    (third,) = of_nodes()
    assert third.count(b"\n") == 1
