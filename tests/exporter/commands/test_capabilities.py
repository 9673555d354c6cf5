"""Capabilities of real processes: dropped by root, given to a user as systemd does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rackwatt_crds.node.unit_requirements import service_capabilities
from rackwatt_exporter.commands.capabilities import NUMBERS, mask
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.commands.exporter_process import running

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "docs/examples/rackwatt-node.service"
UID = 65534
CHECK = "import sys; from rackwatt_exporter.__main__ import main; sys.exit(main())"
NODES = """apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {name: nodes}
spec: {interval: 500ms, node: {collectors: [rapl]}}
"""

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities to drop")


def test_the_unit_for_nodes_has_exactly_the_capabilities_of_the_tables() -> None:
    wanted = [f"CAP_{name}" for name in service_capabilities()]
    text = UNIT.read_text()
    for setting in ("AmbientCapabilities", "CapabilityBoundingSet"):
        (line,) = re.findall(rf"^{setting}=(.*)$", text, re.MULTILINE)
        assert line.split() == wanted


def test_the_documentation_names_each_capability_of_the_tables() -> None:
    page = (ROOT / "docs/node.md").read_text()
    assert set(re.findall(r"^\| `CAP_(\w+)` \|", page, re.MULTILINE)) == set(service_capabilities())


def test_capabilities_have_the_numbers_of_the_kernel() -> None:
    wanted = {"CHOWN": 0, "DAC_READ_SEARCH": 2, "SYS_PTRACE": 19, "SYSLOG": 34, "BPF": 39}
    assert wanted.items() <= NUMBERS.items()
    assert set(service_capabilities()) <= NUMBERS.keys()


def capabilities(pid: int | str, kind: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (found,) = re.findall(rf"^Cap{kind}:\s+([0-9a-f]+)$", status, re.MULTILINE)
    return int(found, 16)


@as_root
def test_a_process_of_root_keeps_what_is_needed_alone(tmp_path: Path) -> None:
    Powercap(tmp_path / "sys", XEON)
    (tmp_path / "nodes.yaml").write_text(NODES)
    arguments = ["run", f"--config.file={tmp_path}/nodes.yaml", f"--path.sysfs={tmp_path}/sys"]
    mine = capabilities("self", "Prm")
    needed = mask((*service_capabilities(), "KILL", "NET_BIND_SERVICE", "SYS_RESOURCE"))
    with running(*arguments, "--web.listen-address=127.0.0.1:0") as run:
        run.until_logged(lambda line: "with these capabilities alone" in line)
        for kind in ("Eff", "Prm"):
            assert capabilities(run.process.pid, kind) == mine & needed
        assert capabilities(run.process.pid, "Bnd") == capabilities("self", "Bnd")


@as_root
@pytest.mark.parametrize("granted", [True, False])
def test_a_user_with_the_capabilities_of_the_unit_reads_what_root_owns(
    tmp_path: Path, granted: bool
) -> None:
    Powercap(tmp_path / "sys", XEON)
    (tmp_path / "nodes.yaml").write_text(NODES)
    for path in (tmp_path, *tmp_path.parents[:3]):
        path.chmod(0o755)
    given = "+dac_read_search" if granted else "-all"
    drop = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups",
            f"--inh-caps={given}", f"--ambient-caps={given}"]  # fmt: skip
    check = [sys.executable, "-c", CHECK, "check", f"{tmp_path}/nodes.yaml"]
    done = subprocess.run(
        [*drop, *check, f"--path.sysfs={tmp_path}/sys"], capture_output=True, text=True, check=False
    )
    assert ("permission_denied" not in done.stdout) is granted, done.stdout + done.stderr
    assert done.returncode == (0 if granted else 1)
