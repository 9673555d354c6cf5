"""Machine in namespaces of its own: processes, mounts, network, host name.

Its first process dies with its parent, and the kernel then kills every other process in the
namespace: daemons, shims, pods. Mounts, links and packet filters are removed with them; only control
groups must be removed by hand.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.daemon import PATIENCE_S, Daemon
from tests.e2e.energy_counter import EnergyCounter

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CGROUPS = Path("/sys/fs/cgroup")
ADDRESS, PODS, SERVICES = "10.88.0.1", "10.88.0.0/24", "10.96.0.0/16"


class Machine:
    """The namespaces, as a context manager, and a folder for all files written in them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rackwatt-e2e-"))
        self.cgroup = f"rackwatt-e2e-{secrets.token_hex(4)}"
        self._first = Daemon(
            ["unshare", "--fork", "--kill-child=KILL", "--pid", "--mount-proc", "--mount", "--net",
             "--uts", "bash", HERE / "init.sh", self.folder, f"{ADDRESS}/24", SERVICES],
            self.folder / "init.log",
        )  # fmt: skip

    def __enter__(self) -> "Machine":
        try:
            for hierarchy in _hierarchies():
                (hierarchy / self.cgroup).mkdir()
            self._first.start()
            self._first.wait_until((self.folder / "ready").exists, "the namespaces")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Kill every process in it, and leave nothing behind."""
        self._first.kill()
        self._remove_cgroups()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def network(self) -> list[str | Path]:
        """Return the prefix of a command that runs in its network namespace alone."""
        return ["nsenter", f"--net=/proc/{self._first.pid}/ns/net", "--"]

    @property
    def inside(self) -> list[str | Path]:
        """Return the prefix of a command that runs in all its namespaces."""
        first = self._first.pid
        children = f"--pid=/proc/{first}/ns/pid_for_children"
        return ["nsenter", f"--target={first}", "--mount", "--net", "--uts", children, "--"]

    def daemon(self, *command: str | Path, path: Path) -> Daemon:
        """Describe a daemon that runs in it; `path` is where it finds other programs first."""
        environment: Mapping[str, str] = {"PATH": f"{path}:{os.environ['PATH']}"}
        # nsenter stays outside, as the parent: when it is killed, the daemon is, too.
        obedient = ["setpriv", "--pdeathsig", "KILL", "--"]
        log = self.folder / f"{Path(command[0]).name}.log"
        return Daemon([*self.inside, *obedient, *command], log, environment)

    @property
    def energy_counter(self) -> EnergyCounter:
        """Return the energy counter of its processor."""
        return EnergyCounter(self.folder / "class/powercap/intel-rapl:0/energy_uj")

    def cpu_seconds(self) -> float:
        """Return the seconds that all processors have spent in any mode; the kernel is shared."""
        _, *ticks = Path("/proc/stat").read_text().partition("\n")[0].split()
        return sum(map(int, ticks[:8])) / os.sysconf("SC_CLK_TCK")

    def _remove_cgroups(self) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while left := [top for top in self._tops() if not _removed(top)]:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"control groups that stay: {left}")
            time.sleep(0.1)

    def _tops(self) -> list[Path]:
        return [path for h in _hierarchies() if (path := h / self.cgroup).exists()]


def _hierarchies() -> list[Path]:
    """List the roots of control groups: of version 2, of each controller of version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]


def _removed(top: Path) -> bool:
    """Remove a group and those below it, unless one is busy until its last process is reaped."""
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return not top.exists()
