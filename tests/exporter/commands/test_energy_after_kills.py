"""The ledger of energy under SIGKILL: a real process, over counters that go on moving.

Whenever it is killed, what a page has shown never decreases, and in the end all that the counters
of this boot have moved by is booked once: RAPL and the CPU time of jobs go on without the exporter.
"""

import random
import re
import signal
import threading
from pathlib import Path

import pytest

from tests.eventually import until
from tests.exporter.collectors.powercap import EPYC, Powercap
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.units.cgroup_tree import CgroupTree, Use

JOB = "system.slice/slurmstepd.scope/job_17"
STEP_S = 0.02
KILLS = 6
LAG_JOULES = 300.0  # two seconds: less than the restarts take together
MEASURED, JOULES = 'node="n1"', 'node="n1",manager="slurm",unit="17"'
DOCUMENT = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec:
  interval: 200ms
  node: {collectors: [rapl], units: {slurm: {}}, energy: {model: {memory: 0, idle: none, idleWatts: 0}}}
"""


class Mover(threading.Thread):
    """Moves the counters of a machine of one CPU, on which one job runs and nothing else."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self.rapl = Powercap(directory / "sys", EPYC)
        tree = CgroupTree(directory)
        tree.group(JOB, Use(), below="step_0")
        self._cpu = tree.root / JOB / "cpu.stat"
        self._stat = tree.procfs / "stat"
        self._stat.write_text(self._stat_text(0))
        (tree.procfs / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 600 kB\n")
        self._cpu.write_text(self._cpu_text(0))
        self.joules = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        milliseconds = 0
        while not self.stopped.wait(STEP_S):
            milliseconds += 20
            self.joules += 3.0
            self.rapl.show(intel_rapl_0=self.joules)
            for path, text in ((self._cpu, self._cpu_text), (self._stat, self._stat_text)):
                with path.open("r+") as file:  # in place and of one length, as a kernel's files are
                    file.write(text(milliseconds))

    @staticmethod
    def _cpu_text(milliseconds: int) -> str:
        return f"usage_usec {milliseconds:09}000\nuser_usec {milliseconds:09}000\nsystem_usec 0\n"

    @staticmethod
    def _stat_text(milliseconds: int) -> str:
        return f"cpu  {milliseconds // 10:09} 0 0 0 0 0 0 0 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\nintr 0\n"


def shown(run: Running) -> dict[str, float]:
    """Return what the page says of energy: of each part, of the job, and what was measured."""
    page = run.get("/metrics")
    lines = re.findall(
        r'^rackwatt_(?:unit|node|node_measured)_energy_joules_total\{(.*)\} (\S+)$',
        page, re.MULTILINE,
    )  # fmt: skip
    return {labels: float(value) for labels, value in lines}


def until_more(run: Running, joules: float) -> dict[str, float]:
    """Wait until the job has used more than this; return what the page says then."""
    run.until_served(lambda _: shown(run).get(JOULES, 0.0) > joules, "/healthz")
    return shown(run)


def until_close(run: Running, mover: Mover, joules: float) -> None:
    """Wait until the page is this close behind the counters: never, if a restart lost more."""
    run.until_served(lambda _: mover.joules - shown(run)[MEASURED] < joules, "/healthz")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_energy_of_a_job_survives_kills_at_any_moment(tmp_path: Path, seed: int) -> None:
    mover = Mover(tmp_path)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/nodes.yaml").write_text(DOCUMENT)
    arguments = (
        "run", f"--config.file={tmp_path}/documents", f"--state.directory={tmp_path}/state",
        f"--path.sysfs={tmp_path}/sys", f"--path.procfs={tmp_path}/proc", "--node.name=n1",
        "--web.listen-address=127.0.0.1:0",
    )  # fmt: skip
    served: dict[str, float] = {}
    unseen = 0.0
    chance = random.Random(seed)
    mover.start()
    try:
        for turn in range(KILLS):
            with running(*arguments) as run:
                page = until_more(run, served.get(JOULES, 0.0))
                unseen = unseen or mover.joules - page[MEASURED]  # before the first two readings
                until((tmp_path / "state/ledger.jsonl").exists)  # written in the first second
                threading.Event().wait(chance.uniform(0, 0.4))  # killed at any moment
                if turn == KILLS - 1:
                    until_close(run, mover, unseen + LAG_JOULES)
                page = shown(run)
                assert all(page[labels] >= value for labels, value in served.items())
                served = page
                run.stop(signal.SIGKILL if turn < KILLS - 1 else signal.SIGTERM)
    finally:
        mover.stopped.set()
        mover.join()
    # The rest is the system's: the CPU time of the node is counted in ticks of 10 ms.
    assert served[JOULES] == pytest.approx(served[MEASURED], rel=0.05)
    assert sum(value for labels, value in served.items() if "part=" in labels) == pytest.approx(
        served[MEASURED], abs=1e-5
    )
    assert served[MEASURED] <= mover.joules
