"""Demo without any configuration: a simulated fleet, a scheduler and the exporter.

`rackwatt-exporter simulate` serves IPMI, SNMP and Redfish for 60 machines; the scheduler is a real
Slurm where it can be started, else pinned states. `rackwatt-exporter run` polls them. A second
exporter measures a node from inside (node.py). All processes listen on loopback, stop with this
one, and leave no file behind.
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

from scripts.demo.node import NODE, Machine, node
from tests.peers.slurm import SlurmCluster

NODES = 60
LISTEN = os.environ.get("DEMO_LISTEN", "127.0.0.1:9123")
NODE_LISTEN = os.environ.get("DEMO_NODE_LISTEN", "127.0.0.1:9124")
EXPORTER = Path(sys.executable).parent / "rackwatt-exporter"
TIMEOUT_S = 60.0
SHOWN = re.compile(r'^(node_power_usage|rackwatt_node_state)\{node="(cn0[1-3]|gn01|pdu1)"')
SLURM = ("slurmctld", "slurmd", "munged", "sinfo")
# A large fleet always has some faults.
FAULTS = """# Faults of the simulated fleet: docs/simulate.md. A change applies at once.
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
        machine = measure_node(stack, directory / "node", stop)
        summarize(directory, machine)
        seconds = os.environ.get("DEMO_SECONDS")
        stop.wait(float(seconds) if seconds else None)
        say("stopping", "sessions are closed, processes ended")
    return 0


@contextlib.contextmanager
def slurm(directory: Path, stop: threading.Event) -> Iterator[dict[str, str]]:
    """Start a real Slurm for the simulated nodes; keep the pinned states where it cannot run."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [command for command in SLURM if shutil.which(command, path=path) is None]
    if missing or os.geteuid() != 0 or stop.is_set():
        why = f"no {', '.join(missing)} here" if missing else "Slurm's daemons need root here"
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


def measure_node(
    stack: contextlib.ExitStack, directory: Path, stop: threading.Event
) -> Machine | None:
    """Run an exporter inside a node, until it has divided energy between the jobs there."""
    if stop.is_set():
        return None
    say("node", "starting jobs on a node, and an exporter that measures it from inside …")
    directory.mkdir()
    machine = stack.enter_context(node(directory))
    exporter = stack.enter_context(
        started(
            "run",
            f"--config.file={directory}/documents",
            f"--state.directory={directory}/state",
            f"--web.listen-address={NODE_LISTEN}",
            *machine.arguments,
        )
    )
    power = partial(shows, "/metrics", "rackwatt_unit_power_watts{", NODE_LISTEN)
    wait_until(power, stop, exporter, "the power of jobs")
    return machine


def computing(fleet: Path) -> str:
    """Return the compute nodes as a host list."""
    return ",".join(re.findall(r"names: '?((?:cn|gn)\[[-0-9]+\])", fleet.read_text()))


@contextlib.contextmanager
def started(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the exporter's command as long as the block lasts."""
    process = subprocess.Popen(
        [EXPORTER, *arguments, "--log.level=error"],
        env={**os.environ, **environment},
        start_new_session=True,  # only this process gets Ctrl-C, and stops the others in order
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_until(
    holds: Callable[[], bool], stop: threading.Event, process: subprocess.Popen[bytes], what: str
) -> None:
    """Wait until a condition holds, the process ends, or `stop` is set."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not holds() and not stop.wait(0.1):
        if process.poll() is not None:
            raise SystemExit(f"{what} did not appear: the process exited, see above")
        if time.monotonic() > deadline_s:
            raise SystemExit(f"timeout after {TIMEOUT_S:.0f} s waiting for {what}")


def shows(path: str, sign: str, listen: str = LISTEN) -> bool:
    """Return whether a page of an exporter contains some text."""
    return sign in page(path, listen)


def page(path: str, listen: str = LISTEN) -> str:
    """Fetch a page of an exporter; empty where it does not respond."""
    try:
        with urllib.request.urlopen(f"http://{listen}{path}") as response:
            return str(response.read().decode())
    except (urllib.error.URLError, ConnectionError):
        return ""


def summarize_node(machine: Machine) -> None:
    """Print how the energy of the node has been divided, which adds up."""
    text = page(f"/status?node={NODE}", NODE_LISTEN)
    if not text:
        return
    energy = json.loads(text)["inside"]["energy"][0]
    parts = ("units", "idle", "system", "unattributed")
    joules = " + ".join(f"{energy[f'{part}_joules']:.0f} J {part}" for part in parts)
    say("node", machine.words)
    say("energy", f"{energy['measured_joules']:.0f} J measured = {joules}")
    say("node page", f"http://{NODE_LISTEN}/node")


def summarize(directory: Path, machine: Machine | None) -> None:
    """Print URLs and directories, and some lines of the metrics."""
    lines = sorted(line for line in page("/metrics").splitlines() if SHOWN.match(line))
    print("\n" + "\n".join(lines) + "\n")
    for failing in sorted(json.loads(page("/status"))["failing"], key=lambda each: each["node"]):
        why = failing["message"].partition(" (redfish")[0]
        say("failing", f"{failing['node']}: {failing['reason']}, {why}")
    print()
    if machine is not None:
        summarize_node(machine)
    say("page", f"http://{LISTEN}/")
    say("metrics", f"http://{LISTEN}/metrics")
    say("status", f"http://{LISTEN}/status")
    say("documents", f"{directory}/documents")
    say("faults", f"{directory}/faults.yaml: edit it to change the faults")
    if "DEMO_SECONDS" not in os.environ:
        say("end", "Ctrl-C")


def say(what: str, text: str) -> None:
    """Print one line of the progress."""
    print(f"{what:>11}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
