"""Energy of two jobs of a real Slurm, on a machine whose power a test makes.

The CPU time is real: two jobs burn different shares of this machine, whatever else runs on it. A
thread reads what the kernel counts for them and for all, and moves the counters of RAPL and the watts of a BMC
by a known model, late, noisy and in whole watts. So the true energy of each job is known.
"""

import os
import random
import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.pipelines.energy.node_use import NodeUse
from tests.exporter.collectors.powercap import EPYC, Powercap
from tests.exporter.running_exporter import RunningExporter
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT, contained_slurm, used_ns

pytestmark = pytest.mark.skipif(not CAN_RUN, reason=WHY_NOT)

NODE = f"accuracy{os.getpid()}"
STEP_S = 0.05
LAG_STEPS = 10
CORE_WATTS = 90.0
IDLE_WATTS = 120.0
COVERED_S = 15.0
BUSY = "sh -c 'while :; do :; done'"
HALF = """
import time
while True:
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    time.sleep(0.03)
"""
DOCUMENT = """
apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: nodes}}
spec:
  interval: 500ms
  node:
    collectors: [{collector}]
    ipmi: {{command: [cat, {watts}]}}
    units: {{slurm: {{}}}}
    energy: {{model: {{idle: none, idleWatts: 120, memory: 0}}}}
"""


class Powered(threading.Thread):
    """Moves the power of the machine, and keeps what each job has truly used."""

    def __init__(self, directory: Path, jobs: list[str]) -> None:
        super().__init__(daemon=True)
        self.rapl = Powercap(directory / "sys", EPYC)
        self.watts = directory / "watts"
        self.watts.write_text(f"{IDLE_WATTS:04.0f} W\n")
        self.true_joules = dict.fromkeys(jobs, 0.0)
        self.stopped = threading.Event()
        self._node = NodeUse(HostPaths(NODE))
        self._last_ns = {job: used_ns(NODE, job) for job in jobs}
        self._last_busy_ns, _ = self._node.busy_ns()
        self._package = 261_000.0  # it wraps while the test runs
        self._behind = deque([IDLE_WATTS] * LAG_STEPS, maxlen=LAG_STEPS)
        self._noise = random.Random(1)

    def run(self) -> None:
        while not self.stopped.wait(STEP_S):
            with suppress(ValueError):  # a job that has ended has no control group
                self._move()

    def _move(self) -> None:
        busy_before_ns, (self._last_busy_ns, _) = self._last_busy_ns, self._node.busy_ns()
        joules = (self._last_busy_ns - busy_before_ns) / 1e9 * CORE_WATTS + IDLE_WATTS * STEP_S
        for job, before_ns in self._last_ns.items():
            self._last_ns[job] = used_ns(NODE, job)
            self.true_joules[job] += (self._last_ns[job] - before_ns) / 1e9 * CORE_WATTS
        self._package += joules
        self.rapl.show(intel_rapl_0=self._package % 262_143.0)
        self._behind.append(joules / STEP_S)
        seen = sum(self._behind) / LAG_STEPS + self._noise.gauss(0, 1)
        with self.watts.open("r+") as file:
            file.write(f"{seen:04.0f} W\n")


@pytest.fixture(scope="module")
def cluster() -> Iterator[SlurmCluster]:
    with contained_slurm(NODE) as cluster:
        yield cluster


@pytest.fixture
def jobs(cluster: SlurmCluster) -> Iterator[list[str]]:
    half = cluster.directory / "half.py"
    half.write_text(HALF)
    commands = (BUSY, f"{sys.executable} {half}")
    started = [cluster.submit("--mem=50M", command=each) for each in commands]
    cluster.wait(lambda: all(_has_group(job) for job in started), "both jobs run")
    yield started
    cluster.cancel(*started)


def _has_group(job: str) -> bool:
    with suppress(ValueError, OSError):
        return used_ns(NODE, job) > 0
    return False


def numbers(page: str, family: str) -> dict[str, float]:
    """Values of a family by the last label of each line."""
    found = re.findall(rf'^{family}\{{.*="([^"]*)"\}} (\S+)$', page, re.MULTILINE)
    return {label: float(value) for label, value in found}


def covered_s(page: str) -> float:
    (seconds,) = numbers(page, "rackwatt_node_energy_covered_seconds_total").values() or (0.0,)
    return seconds


@pytest.mark.parametrize("collector", ["rapl", "ipmi"])
async def test_the_energy_of_real_jobs_is_what_a_known_model_made_of_their_cpu_time(
    tmp_path: Path, jobs: list[str], collector: str, capsys: pytest.CaptureFixture[str]
) -> None:
    powered = Powered(tmp_path, jobs)
    (tmp_path / "documents").mkdir()
    document = DOCUMENT.format(collector=collector, watts=powered.watts)
    (tmp_path / "documents/nodes.yaml").write_text(document)
    host = HostPaths(NODE, sysfs=tmp_path / "sys", cgroups=Path("/sys/fs/cgroup"))
    powered.start()
    try:
        async with RunningExporter(tmp_path / "documents", host=host) as running:
            first = await running.until(lambda page: covered_s(page) > 0)
            before = dict(powered.true_joules)
            page = await running.until(lambda page: covered_s(page) > COVERED_S)
            after = dict(powered.true_joules)
    finally:
        powered.stopped.set()
        powered.join()
    family = "rackwatt_unit_energy_joules_total"
    ours, began = numbers(page, family), numbers(first, family)
    true = {job: after[job] - before[job] for job in jobs}
    grown = {job: ours[job] - began[job] for job in jobs}
    errors = {job: grown[job] / true[job] - 1 for job in jobs}
    with capsys.disabled():
        busy, half = (f"{100 * errors[job]:+.1f} %" for job in jobs)
        print(f" {collector}: {busy} of the busy job, {half} of the other", end="")
    parts = numbers(page, "rackwatt_node_energy_joules_total")
    (measured,) = numbers(page, "rackwatt_node_measured_energy_joules_total").values()
    assert numbers(page, "rackwatt_node_energy_imbalance_joules") == {NODE: 0.0}
    assert sum(parts.values()) == pytest.approx(measured, abs=1e-3)
    assert parts["units"] == pytest.approx(sum(ours.values()), abs=1e-3)
    assert ours[jobs[0]] > ours[jobs[1]]
    # A page is behind the counters, on a machine that stalls by seconds of fifteen: the errors of the
    # two are alike then, and their shares are not touched.
    share, true_share = (one[jobs[0]] / sum(one.values()) for one in (grown, true))
    assert share == pytest.approx(true_share, abs=0.1)
    assert max(map(abs, errors.values())) < 0.5
