"""What the pictures show: simulated fleets, a node and their exporters, on loopback.

The large fleet fills the fleet page and has alerts. A fleet of 60 machines has a real Slurm, so
that its dashboards have jobs.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from scripts.demo.__main__ import BINDING, computing
from scripts.demo.node import node
from scripts.pictures.jobs import submit
from scripts.pictures.site import Site
from tests.peers.ports import free_port
from tests.peers.slurm import SlurmCluster

NODES = 1440
FAULTS = """faults:
  - {hosts: "cn[102-104]", dead: true}
  - {hosts: "cn[522-524]", wrongCredentials: true}
  - {hosts: "gn[017-018]", certificate: expired}
  - {hosts: "cn[600-605]", poweredOff: true}
"""
FEW_FAULTS = """faults:
  - {hosts: cn27, dead: true}
  - {hosts: cn28, wrongCredentials: true}
"""
_PORTS = ("--ipmi.port=9723", "--snmp.port=9261", "--redfish.port=9543")
_PROGRAMS = Path(sys.executable).parent


def large_fleet(stack: contextlib.ExitStack, directory: Path) -> Site:
    """Run a fleet that a page is full of."""
    _simulate(stack, directory, FAULTS, f"--nodes={NODES}")
    return _export(stack, "power", directory)


def fleet_with_jobs(stack: contextlib.ExitStack, directory: Path) -> Site:
    """Run a fleet with a Slurm, to which users submit jobs all the time."""
    _simulate(stack, directory, FEW_FAULTS, *_PORTS)
    documents = directory / "documents"
    cluster = stack.enter_context(SlurmCluster(computing(documents / "fleet.yaml"), gpus=4))
    (documents / "scheduler.yaml").write_text(BINDING)
    stopping = threading.Event()
    submitting = threading.Thread(target=submit, args=(cluster, stopping))
    submitting.start()
    stack.callback(submitting.join)
    stack.callback(stopping.set)
    environment = {key: cluster.environment[key] for key in ("SLURM_CONF", "PATH")}
    return _export(stack, "hpc", directory, **environment)


def measured_node(stack: contextlib.ExitStack, directory: Path) -> Site:
    """Run the node of the demo, and an exporter that measures it from inside."""
    directory.mkdir()
    machine, address = stack.enter_context(node(directory)), f"127.0.0.1:{free_port()}"
    documents = directory / "documents"
    _start(
        stack, "run", f"--config.file={documents}", f"--web.listen-address={address}",
        *machine.arguments,
    )  # fmt: skip
    return Site("hpc", documents, address)


def _simulate(stack: contextlib.ExitStack, directory: Path, faults: str, *arguments: str) -> None:
    """Start a fleet, and wait until its resources are written."""
    directory.mkdir()
    scenario = directory / "scenario.yaml"
    scenario.write_text(faults)
    process = _start(
        stack, "simulate", f"--directory={directory}", f"--scenario={scenario}", *arguments
    )
    while not (directory / "secrets/bmc-ca/ca.crt").exists():
        if process.poll() is not None:
            raise SystemExit("the simulated fleet has exited")
        time.sleep(0.2)


def _export(
    stack: contextlib.ExitStack, namespace: str, directory: Path, **environment: str
) -> Site:
    """Start the exporter of a simulated fleet."""
    address = f"127.0.0.1:{free_port()}"
    _start(
        stack, "run", f"--config.file={directory / 'documents'}",
        f"--secrets.directory={directory / 'secrets'}", f"--web.listen-address={address}",
        **environment,
    )  # fmt: skip
    return Site(namespace, directory / "documents", address)


def _start(
    stack: contextlib.ExitStack, *arguments: str, **environment: str
) -> subprocess.Popen[bytes]:
    """Run a command of the exporter until the stack is left."""
    process = subprocess.Popen(
        [_PROGRAMS / "rackwatt-exporter", *arguments, "--log.level=error"],
        env=os.environ | environment,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process
