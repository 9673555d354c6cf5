"""A node measured from inside, for the demo: jobs that burn CPU, and counters of joules that move.

The jobs are those of a real Slurm in real control groups, where this machine allows it: that needs
root, Slurm's daemons and control groups of version 1. Elsewhere control groups are written to a
directory, and so is the use of its CPUs. Few machines let their counters be read, so joules always
come from a model: of what was busy in /proc/stat, with a power of its own for each busy CPU.
"""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.exporter.collectors.powercap import Powercap
from tests.exporter.units.cgroup_tree import CgroupTree, Use
from tests.peers.slurm import SlurmCluster
from tests.peers.slurm_contained import CAN_RUN, WHY_NOT, contained_slurm

NODE = "demo"
IDLE_WATTS = 60.0
WATTS_PER_CPU = 15.0
STEP_S = 0.1
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_DAEMONS = ("slurmctld", "slurmd", "munged")
_BUSY = "while :; do :; done"
DOCUMENT = f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: node}}
spec:
  interval: 2s
  node:
    collectors: [rapl, cpu]
    units: {{slurm: {{environment: true}}}}
    energy: {{model: {{idleWatts: {IDLE_WATTS:.0f}}}}}
"""


class Machine(Protocol):
    """A machine with jobs: `arguments` say where the exporter finds it, `words` what it is."""

    words: str
    arguments: tuple[str, ...]

    def busy_s(self) -> float:
        """Return the busy time of all CPUs, and use some more where it is simulated."""
        ...


class RealMachine:
    """This machine, with jobs of a real Slurm."""

    words = "real jobs of a real Slurm, in control groups of this machine"

    def __init__(self, cluster: SlurmCluster) -> None:
        self.arguments: tuple[str, ...] = ()
        for user_cpus, seconds in ((1, 100000), (2, 100000), (1, 90)):
            burn = f"{_BUSY} & " * (user_cpus - 1) + _BUSY
            cluster.submit(
                f"--ntasks={user_cpus}", "--mem=100", f"--job-name=burn-{user_cpus}",
                command=f"timeout {seconds} sh -c '{burn}'",
            )  # fmt: skip

    def busy_s(self) -> float:
        """Return the busy time of this machine's CPUs: user, nice, system, irq and softirq."""
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        return sum(int(words[place]) for place in (0, 1, 2, 5, 6)) / _TICKS_PER_S


class SimulatedMachine:
    """Control groups and a /proc/stat in a directory, of jobs that keep CPUs busy."""

    _CPUS = 8
    _JOBS = ((17, 0.9), (18, 1.9), (19, 0.4))  # how many CPUs each keeps busy

    def __init__(self, directory: Path, why: str) -> None:
        self.words = f"simulated jobs ({why})"
        self._tree = CgroupTree(directory)
        self._began_s = time.monotonic()
        for job, _ in self._JOBS:
            use = Use(anonymous=(job - 16) << 30, cpus="0-1")
            self._tree.group(f"system.slice/slurmstepd.scope/job_{job}", use, pid=job)
            (self._tree.procfs / str(job)).mkdir()
            environ = f"SLURM_JOB_ID={job}\0SLURM_JOB_USER=user{job}\0SLURM_JOB_ACCOUNT=physics\0"
            (self._tree.procfs / str(job) / "environ").write_text(environ)
        memory = "MemTotal: 32000000 kB\nMemAvailable: 20000000 kB\n"
        (self._tree.procfs / "meminfo").write_text(memory)
        self.busy_s()
        self.arguments: tuple[str, ...] = (f"--path.procfs={self._tree.procfs}",)

    def busy_s(self) -> float:
        """Let the jobs work until now, and return how long all CPUs have been busy."""
        passed_s = time.monotonic() - self._began_s
        for job, cpus in self._JOBS:
            used_us = round(passed_s * cpus * 1e6)
            path = self._tree.root / f"system.slice/slurmstepd.scope/job_{job}/cpu.stat"
            _overwrite(path, f"usage_usec {used_us:015}\nuser_usec {used_us:015}\nsystem_usec 0\n")
        busy_s = passed_s * (0.1 + sum(cpus for _, cpus in self._JOBS))
        ticks = f"{round(busy_s * _TICKS_PER_S):012} 0 0 {round(passed_s * 800):012} 0 0 0 0 0 0"
        each = "".join(f"cpu{number} 0 0 0 0 0 0 0 0 0 0\n" for number in range(self._CPUS))
        _overwrite(self._tree.procfs / "stat", f"cpu  {ticks}\n{each}intr 1\n")
        return busy_s


@contextlib.contextmanager
def node(directory: Path) -> Iterator[Machine]:
    """Run jobs, and move the counters below `directory`, as long as the block lasts."""
    sysfs = directory / "sys"
    rapl = Powercap(sysfs, {"intel-rapl:0": "package-0", "intel-rapl:0:0": "dram"})
    with contextlib.ExitStack() as stack:
        machine = _machine(stack, directory)
        machine.arguments += (f"--path.sysfs={sysfs}", f"--node.name={NODE}")
        (directory / "documents").mkdir()
        (directory / "documents/node.yaml").write_text(DOCUMENT)
        stack.enter_context(_drawing(machine, rapl))
        yield machine


def _machine(stack: contextlib.ExitStack, directory: Path) -> Machine:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [daemon for daemon in _DAEMONS if shutil.which(daemon, path=path) is None]
    if missing:
        return SimulatedMachine(directory, f"no {', '.join(missing)} here")
    if not CAN_RUN:
        return SimulatedMachine(directory, WHY_NOT)
    try:
        machine = RealMachine(stack.enter_context(contained_slurm(NODE)))
    except Exception as error:
        return SimulatedMachine(directory, f"Slurm does not start here: {error}")
    machine.arguments = ("--path.cgroupfs=/sys/fs/cgroup",)
    return machine


@contextlib.contextmanager
def _drawing(machine: Machine, rapl: Powercap) -> Iterator[None]:
    """Move the counters in the background by what is busy."""
    stop = threading.Event()

    def draw() -> None:
        package, dram, busy_s, at_s = 0.0, 0.0, machine.busy_s(), time.monotonic()
        while not stop.wait(STEP_S):
            now_s, now_busy_s = time.monotonic(), machine.busy_s()
            dram += 0.2 * IDLE_WATTS * (now_s - at_s)
            package += 0.8 * IDLE_WATTS * (now_s - at_s) + WATTS_PER_CPU * (now_busy_s - busy_s)
            rapl.show(intel_rapl_0=package, intel_rapl_0_0=dram)
            busy_s, at_s = now_busy_s, now_s

    thread = threading.Thread(target=draw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _overwrite(path: Path, text: str) -> None:
    """Write a file in place and in one piece, as a reader that holds it open needs it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.pwrite(file, text.encode(), 0)
    os.ftruncate(file, len(text.encode()))
    os.close(file)
