"""Variables of a real process of another user, with the capabilities that a pod or a unit has."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.units.environ import environ

SCRIPT = """
import sys
from pathlib import Path
from rackwatt_exporter.units.environ import environ
try:
    print(b"SLURM_JOB_GPUS=0,1\\0" in environ(Path("/proc") / sys.argv[1]))
except PermissionError:
    print("denied")
"""


@pytest.fixture
def job() -> Iterator[str]:
    """A process of another user, whose name has what separates fields."""
    command = ("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "sh", "-c")
    rename = "exec 3>/proc/self/comm; printf ') 0 (' >&3; read line"
    with subprocess.Popen(
        [*command, rename], env={**os.environ, "SLURM_JOB_GPUS": "0,1"}, stdin=subprocess.PIPE
    ) as process:
        yield str(process.pid)
        process.communicate(b"\n")


@pytest.mark.parametrize(
    ("user", "capabilities", "expected"),
    [
        (0, "-all", "denied"),
        (2000, "-all", "denied"),
        (0, "-all,+sys_ptrace", "True"),  # as in a pod
        (2000, "-all,+sys_ptrace", "True"),  # as under systemd, by AmbientCapabilities
    ],
)
@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_ptrace_is_enough_for_the_variables_of_other_users(
    user: int, capabilities: str, expected: str, job: str
) -> None:
    done = subprocess.run(
        [
            "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
            f"--bounding-set={capabilities}", f"--inh-caps={capabilities}",
            f"--ambient-caps={capabilities}", sys.executable, "-c", SCRIPT, job,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == expected


def test_one_s_own_variables_are_read_from_the_file(tmp_path: Path) -> None:
    assert b"PATH=" in environ(Path("/proc/self"))
    with pytest.raises(FileNotFoundError):
        environ(tmp_path / "1")
