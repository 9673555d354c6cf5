"""The main job on a default that needs nothing: a simulated fleet, a scheduler, the exporter.

`rackwatt-exporter simulate` answers IPMI, SNMP and Redfish for 60 machines; the scheduler is a real
Slurm where it can be started, else pinned states; `rackwatt-exporter run` polls them. Everything is
a process of its own on loopback, ends with this one, and leaves nothing behind.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.peers.slurm import SlurmCluster

NODES = 60
LISTEN = os.environ.get("DEMO_LISTEN", "127.0.0.1:9123")
EXPORTER = Path(sys.executable).parent / "rackwatt-exporter"
PATIENCE_S = 60.0
SHOWN = re.compile(r'^(node_power_usage|rackwatt_node_state)\{node="(cn0[1-3]|gn01|pdu1)"')
SLURM = ("slurmctld", "slurmd", "munged", "sinfo")
# In a fleet of some size something always fails.
FAULTS = """# What goes wrong in the simulated fleet: docs/simulate.md. A change counts at once.
faults:
  - {hosts: cn27, dead: true}
  - {hosts: cn28, wrongCredentials: true}
  - {hosts: gn20, certificate: expired}
  - {hosts: cn29, poweredOff: true}
"""
BINDING = """apiVersion: rackwatt.dev/v1alpha1
kind: SchedulerBinding
metadata: {name: simulated}
spec:
  cluster: toy
  interval: 5s
  slurm: {cli: {}}
"""


def main() -> int:
    """Run until Ctrl-C, or for DEMO_SECONDS."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rackwatt-demo-")))
        say("simulating", f"{NODES} BMCs and PDUs over IPMI, SNMP and Redfish, some of them faulty")
        faults = directory / "faults.yaml"
        faults.write_text(FAULTS)
        simulator = stack.enter_context(
            started(
                "simulate", f"--nodes={NODES}", f"--directory={directory}", f"--scenario={faults}"
            )
        )
        scheduler = directory / "documents/scheduler.yaml"
        wait_until(scheduler.exists, stop, simulator, "the simulated fleet")
        environment = stack.enter_context(slurm(directory, stop))
        say("polling", "the fleet, as its configuration says")
        exporter = stack.enter_context(
            started(
                "run",
                f"--config.file={directory}/documents",
                f"--secrets.directory={directory}/secrets",
                f"--state.directory={directory}/state",
                f"--web.listen-address={LISTEN}",
                **environment,
            )
        )
        for path, sign, what in (
            ("/readyz", "ready\n", "the first round of readings"),
            ("/metrics", 'state="', "the scheduler's answer"),
        ):
            wait_until(partial(shows, path, sign), stop, exporter, what)
        tell(directory)
        seconds = os.environ.get("DEMO_SECONDS")
        stop.wait(float(seconds) if seconds else None)
        say("stopping", "sessions are closed, processes ended")
    return 0


@contextlib.contextmanager
def slurm(directory: Path, stop: threading.Event) -> Iterator[dict[str, str]]:
    """Put a real Slurm at work on the simulated nodes; pinned states stay where it cannot run."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    lacking = [command for command in SLURM if shutil.which(command, path=path) is None]
    if lacking or os.geteuid() != 0 or stop.is_set():
        why = f"no {', '.join(lacking)} here" if lacking else "Slurm's daemons want to be root here"
        say("scheduler", f"pinned states ({why})")
        yield {}
        return
    say("scheduler", "starting a real Slurm with a slurmd for each simulated node …")
    names = computing(directory / "documents/fleet.yaml")
    with SlurmCluster(names) as cluster:
        cluster.submit("--nodes=20", "--exclusive", command="srun sleep 100000")
        cluster.submit("--nodes=6", "--ntasks-per-node=1", command="srun sleep 100000")
        drained = cluster.nodes[-1]
        cluster.scontrol("update", f"nodename={drained}", "state=drain", "reason=demo")
        (directory / "documents/scheduler.yaml").write_text(BINDING)
        environment = {key: cluster.environment[key] for key in ("SLURM_CONF", "PATH")}
        yield environment


def computing(fleet: Path) -> str:
    """Name the nodes that compute, as one host list."""
    return ",".join(re.findall(r"names: '?((?:cn|gn)\[[-0-9]+\])", fleet.read_text()))


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the exporter's command as long as the block lasts."""
    process = subprocess.Popen(
        [EXPORTER, *arguments, "--log.level=error"],
        env={**os.environ, **environment},
        start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others in order
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_until(
    holds: Callable[[], bool], stop: threading.Event, process: subprocess.Popen[bytes], what: str
) -> None:
    """Wait for what a process is to bring about, unless told to stop."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds() and not stop.wait(0.1):
        if process.poll() is not None:
            raise SystemExit(f"no {what}: the process ended by itself, see above")
        if time.monotonic() > deadline_s:
            raise SystemExit(f"waited {PATIENCE_S:.0f} s in vain for {what}")


def shows(path: str, sign: str) -> bool:
    """Tell whether a page of the exporter has something on it."""
    return sign in page(path)


def page(path: str) -> str:
    """Get a page of the exporter; nothing while there is none."""
    try:
        with urllib.request.urlopen(f"http://{LISTEN}{path}") as response:
            return str(response.read().decode())
    except (urllib.error.URLError, ConnectionError):
        return ""


def tell(directory: Path) -> None:
    """Show where to look, and a few lines of what is there."""
    lines = sorted(line for line in page("/metrics").splitlines() if SHOWN.match(line))
    print("\n" + "\n".join(lines) + "\n")
    for failing in sorted(json.loads(page("/status"))["failing"], key=lambda each: each["node"]):
        why = failing["message"].partition(" (redfish")[0]
        say("failing", f"{failing['node']}: {failing['reason']}, {why}")
    print()
    say("page", f"http://{LISTEN}/")
    say("metrics", f"http://{LISTEN}/metrics")
    say("status", f"http://{LISTEN}/status")
    say("documents", f"{directory}/documents")
    say("faults", f"{directory}/faults.yaml: edit it, and see")
    if "DEMO_SECONDS" not in os.environ:
        say("end", "Ctrl-C")


def say(what: str, told: str) -> None:
    """Print one line of the account."""
    print(f"{what:>11}  {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
