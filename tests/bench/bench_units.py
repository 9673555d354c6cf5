"""What reading the units of a node costs: processor for a poll and a scrape, and resident memory.

The jobs are Slurm's, in a tree that the benchmark writes, of two steps each. What a busy job changes is
changed between two polls. The files lie in the page cache of an ordinary file system: compare the ratios,
not the milliseconds. The budgets are a twentieth of what ceems_exporter 0.10.2 takes for as many jobs; where
the environment variable CEEMS_EXPORTER has the path of one, it is measured beside ours.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from itertools import count
from pathlib import Path

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.pipelines.units import UnitPipeline
from rackwatt_exporter.store.units import UnitStore
from tests.bench.ceems import MEASURED_MS, VARIABLE, CeemsError, scrape_ms
from tests.bench.process import resident_mib
from tests.bench.report import Figure, figures, progress
from tests.exporter.commands.exporter_process import running
from tests.exporter.units.cgroup_tree import CgroupTree, Use, files_v1, files_v2

DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 2s, node: {collectors: [cpu], units: {slurm: {}}}}
"""
PLACES = {1: "slurm/uid_1000/job_{0}", 2: "system.slice/slurmstepd.scope/job_{0}"}
SIZES = {64: 3.5, 500: 25.0}  # jobs, with the budget of a poll and a scrape in ms
ABOUT = (
    "Jobs of Slurm, of two steps each; what a busy job changes is changed before each poll. The program that the "
    f"environment variable `{VARIABLE}` names is measured beside it on the same tree; without one, the figures of "
    "ceems_exporter are those of version 0.10.2 on other trees of as many jobs, which stood still."
)
FIRST_PID = 4_000_000
RESIDENT_MIB = 42.0
WARM, SCRAPES = 10, 30
AS_IMAGE = {"PYTHONOPTIMIZE": "2", "PYTHONNODEBUGRANGES": "1", "FROZENLIST_NO_EXTENSIONS": "1"}


def use(job: int, turn: int = 0) -> Use:
    """Return what a job has used."""
    return Use(
        user_us=job * 1_000_003 + turn * 1_999_999, system_us=job * 1009 + turn * 10_007,
        anonymous=(job << 20) + (turn << 12), file=job << 12, limit=16 << 30, cpus="0-3",
        pressure_us=job * 77 + turn * 1009, read=(job + 1 + turn) << 9, tasks=4, handles=2,
    )  # fmt: skip


def tree(directory: Path, version: int, jobs: int) -> CgroupTree:
    """Write the control groups of some jobs, and of their steps, each with a process."""
    made = CgroupTree(directory, version)
    for job in range(jobs):
        path, pid = PLACES[version].format(1_000_000 + job), FIRST_PID + job
        made.group(path, use(job), "step_0/task_0", pid)
        (made.tops()[0] / path / "step_batch").mkdir()
        (made.procfs / str(pid)).mkdir()
        (made.procfs / str(pid) / "comm").write_text("sleep\n")
        (made.procfs / str(pid) / "environ").write_bytes(b"SLURM_JOB_ID=%d\0" % (1_000_000 + job))
    return made


class Busy:
    """Changes in place what jobs change while they run."""

    def __init__(self, made: CgroupTree, jobs: int) -> None:
        self._made, self._jobs = made, jobs
        self._turns = count(1)
        self._texts = {job: files(made.version, use(job)) for job in range(jobs)}

    def move(self) -> None:
        """Write what differs from the turn before."""
        turn = next(self._turns)
        for job, before in self._texts.items():
            path = PLACES[self._made.version].format(1_000_000 + job)
            self._texts[job] = now = files(self._made.version, use(job, turn))
            for name, text in now.items():
                if text != before[name]:
                    self._made.write(path, name, text)


def files(version: int, used: Use) -> dict[str, str]:
    """Return the files of a control group."""
    return files_v2(used) if version == 2 else files_v1(used)


def spent_ms(made: CgroupTree, jobs: int, rounds: int) -> tuple[float, float]:
    """Return the processor time of a poll, and of the page after it."""

    async def measure() -> tuple[float, float]:
        store = UnitStore("n1")
        pipeline = UnitPipeline(store, HostPaths("n1", made.sysfs, made.procfs), lambda: ())
        config = UnitsConfig("slurm", "nodes", SlurmUnits())
        store.sync([config])
        source = pipeline.source(config)
        polls, pages, busy = [], [], Busy(made, jobs)
        for number in range(WARM + rounds):
            busy.move()
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


def beside(made: CgroupTree, jobs: int) -> str:
    """Say what ceems_exporter takes: now, or when it was measured."""
    try:
        spent = scrape_ms(made.sysfs, made.procfs, jobs, Busy(made, jobs).move)
    except CeemsError as error:
        progress(f"!!! {VARIABLE}: {error}")
        return f"; {os.environ[VARIABLE]} could not be measured"
    if spent is not None:
        return f"; ceems_exporter beside it: {spent:.0f} ms"
    known = MEASURED_MS.get((made.version, jobs))
    return f"; ceems_exporter 0.10.2: {known:.0f} ms" if known else ""


def measured(version: int, jobs: int, rounds: int) -> list[Figure]:
    """Measure one tree."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        made = tree(directory, version, jobs)
        poll_ms, page_ms = spent_ms(made, jobs, rounds)
        note = f"{poll_ms:.1f} ms to read, {page_ms:.1f} ms to write{beside(made, jobs)}"
        what = f"processor for a poll and a scrape of {jobs} jobs, version {version}"
        found = [Figure(what, poll_ms + page_ms, "ms", SIZES.get(jobs), note=note)]
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
    print(f"## Units of a node\n\n{ABOUT}\n\n{figures(found)}\n")


if __name__ == "__main__":
    main()
