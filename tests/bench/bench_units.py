"""What reading the units of a node costs: processor for a poll and a scrape, and resident memory.

The jobs are Slurm's, in a tree that the benchmark writes, of two steps each. Their files lie in the page
cache of an ordinary file system: compare the ratios, not the milliseconds. The budgets are a twentieth
of what ceems_exporter 0.10.2 takes for as many jobs.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.pipelines.units import UnitPipeline
from rackwatt_exporter.store.units import UnitStore
from tests.bench.process import resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.commands.exporter_process import running
from tests.exporter.units.cgroup_tree import CgroupTree, Use

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 2s, node: {collectors: [cpu], units: {slurm: {}}}}
"""
PLACES = {1: "slurm/uid_1000/job_{0}", 2: "system.slice/slurmstepd.scope/job_{0}"}
# Jobs, with the budget of a poll and a scrape in ms, and what ceems_exporter takes by version.
SIZES = {64: (3.5, {1: 40.0, 2: 69.0}), 500: (25.0, {1: 286.0, 2: 490.0})}
RESIDENT_MIB = 42.0
WARM, SCRAPES = 10, 30
AS_IMAGE = {"PYTHONOPTIMIZE": "2", "PYTHONNODEBUGRANGES": "1", "FROZENLIST_NO_EXTENSIONS": "1"}


def tree(directory: Path, version: int, jobs: int) -> CgroupTree:
    """Write the control groups of some jobs, and of their steps."""
    made = CgroupTree(directory, version)
    for job in range(jobs):
        used = Use(
            user_us=job * 1_000_003, system_us=job * 1009, anonymous=job << 20, file=job << 12,
            limit=16 << 30, cpus="0-3", pressure_us=job * 77, read=(job + 1) << 9, tasks=4, handles=2,
        )  # fmt: skip
        path = PLACES[version].format(1_000_000 + job)
        made.group(path, used, "step_0/task_0")
        (made.tops()[0] / path / "step_batch").mkdir()
    return made


def spent_ms(made: CgroupTree, rounds: int) -> tuple[float, float]:
    """Return the processor time of a poll, and of the page after it."""

    async def measure() -> tuple[float, float]:
        store = UnitStore("n1")
        pipeline = UnitPipeline(store, HostPaths("n1", made.sysfs, made.procfs), lambda: ())
        config = UnitsConfig("slurm", "nodes", SlurmUnits())
        store.sync([config])
        source = pipeline.source(config)
        polls, pages = [], []
        for number in range(WARM + rounds):
            began_s = time.process_time()
            store.succeeded("slurm", await source.read(), 0.0)
            read_s = time.process_time()
            for _ in pipeline.families(time.monotonic()):
                pass
            if number >= WARM:
                polls.append(read_s - began_s)
                pages.append(time.process_time() - read_s)
        await source.close()
        return 1e3 * statistics.median(polls), 1e3 * statistics.median(pages)

    return asyncio.run(measure())


def held_mib(directory: Path, made: CgroupTree) -> float:
    """Return the resident memory of an exporter that was scraped many times."""
    (directory / "nodes.yaml").write_text(DOCUMENT)
    (made.procfs / "stat").write_text("cpu 1 2 3 4 5 6 7 8\nintr 1\n")
    given = (
        f"--config.file={directory}/nodes.yaml",
        f"--path.sysfs={made.sysfs}",
        f"--path.procfs={made.procfs}",
        "--web.listen-address=127.0.0.1:0",
    )
    compiled = {"PYTHONPYCACHEPREFIX": str(directory / "compiled"), "PYTHONDONTWRITEBYTECODE": ""}
    for _ in range(2):  # the first compiles
        with running("run", *given, **AS_IMAGE, **compiled) as run:
            for _ in range(SCRAPES):
                run.until_served(lambda text: "rackwatt_unit_info{" in text, "/metrics")
            mebibytes = resident_mib(run.process.pid)
            run.stop()
    return mebibytes


def measured(version: int, jobs: int, rounds: int) -> list[Figure]:
    """Measure one tree."""
    budget_ms, other = SIZES.get(jobs, (None, {}))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        made = tree(directory, version, jobs)
        poll_ms, page_ms = spent_ms(made, rounds)
        note = f"{poll_ms:.1f} ms to read, {page_ms:.1f} ms to write"
        if version in other:
            note += f"; ceems_exporter 0.10.2: {other[version]:.0f} ms"
        what = f"processor for a poll and a scrape of {jobs} jobs, version {version}"
        found = [Figure(what, poll_ms + page_ms, "ms", budget_ms, note=note)]
        if jobs == max(SIZES) or jobs not in SIZES:
            resident = f"resident with {jobs} jobs, version {version}"
            found.append(Figure(resident, held_mib(directory, made), "MiB", RESIDENT_MIB))
    return found


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    found = []
    for version in PLACES:
        for jobs in arguments.jobs:
            progress(f"{jobs} jobs, version {version}")
            found += measured(version, jobs, arguments.rounds)
    print(f"## Units of a node\n\n{figures(found)}\n")


if __name__ == "__main__":
    main()
