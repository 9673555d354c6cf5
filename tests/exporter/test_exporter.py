import asyncio
from collections.abc import Callable
from pathlib import Path

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.schedulers.views.slurm_families import PROFILE
from rackwatt_exporter.store.ledger_file import LedgerFile
from tests.exporter.running_exporter import RunningExporter, power_target, rewrite
from tests.exporter.schedulers.snapshots import full_snapshot

LOOPS = ("attended",)


def up(*nodes: str) -> Callable[[str], bool]:
    return lambda text: all(f'rackwatt_target_up{{node="{node}"}} 1' in text for node in nodes)


async def test_the_exporter_watches_documents_and_keeps_counters_of_unchanged_targets(
    tmp_path: Path,
) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(power_target("[{names: stays, rack: r1}, {names: goes}]"))
    async with RunningExporter(tmp_path) as site:
        watching = asyncio.create_task(site.exporter.watch())
        await site.until(up("stays", "goes"))
        poller = site.exporter.registry.targets._pollers._pollers["stays"][1]
        rewrite(lab, power_target("[{names: stays, rack: r2}, {names: comes}]"))
        text = await site.until(up("stays", "comes"))
        assert 'node="goes"' not in text
        assert 'rack="r2"' in text
        assert site.exporter.registry.targets._pollers._pollers["stays"][1] is poller
        watching.cancel()


async def test_the_exporter_keeps_its_targets_at_a_reload_with_an_invalid_document(
    tmp_path: Path,
) -> None:
    lab = tmp_path / "lab.yaml"
    lab.write_text(power_target("[{names: n1}]"))
    async with RunningExporter(tmp_path) as site:
        await site.until(up("n1"))
        lab.write_text("kind: [")
        await site.exporter.reload()
        text = await site.text()
        assert 'rackwatt_target_up{node="n1"} 1' in text
        assert "rackwatt_config_last_reload_successful 0\n" in text
        lab.unlink()
        await site.exporter.reload()
        assert 'node="n1"' not in await site.text()


async def test_the_exporter_continues_counters_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(power_target("[{names: n1}]"))

    def joules(text: str) -> float:
        lines = [
            line for line in text.splitlines() if line.startswith("rackwatt_node_energy_joules")
        ]
        return float(lines[0].split()[-1]) if lines else 0.0

    async with RunningExporter(tmp_path) as site:
        await site.until(lambda text: joules(text) > 100)
    kept = LedgerFile(tmp_path / "state").accounts["n1"].joules
    async with RunningExporter(tmp_path) as site:
        text = await site.until(lambda text: joules(text) > 0)
        assert kept <= joules(text) < kept + 5000


async def test_the_exporter_serves_the_families_of_slurm_with_their_profile_alone(
    tmp_path: Path,
) -> None:
    document = (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\nmetadata: {name: prod}\n"
        f"spec: {{cluster: alpha, slurm: {{cli: {{path: {tmp_path}}}}}}}\n"
    )
    (tmp_path / "lab.yaml").write_text(document)
    for profiles in ((), (PROFILE,)):
        exporter = Exporter([tmp_path / "lab.yaml"], Secrets(tmp_path), profiles=profiles)
        await exporter.reload()
        exporter.schedulers.succeeded("prod", full_snapshot({"n1": "idle"}), 0.1)
        families = exporter.registry.schedulers.families(0.0)
        served = {family.name for family, lines in families if lines}
        assert ("slurm_cpus_total" in served) == (PROFILE in profiles)
        await exporter.close()
