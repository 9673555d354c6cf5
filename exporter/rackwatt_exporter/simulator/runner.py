"""Run of a simulated fleet: writes its documents, and runs three servers until a signal."""

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rackwatt_crds.wording import counted
from rackwatt_exporter.simulator import scenario
from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.fleet import SERVER_NAME, Ports, Rack, write
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from rackwatt_exporter.simulator.scenario import Method, Scenario, ScenarioError
from rackwatt_exporter.simulator.snmp.agent import SnmpServer

log = logging.getLogger(__name__)

RESTART_S = 5.0
_CHECK_S = 1.0

Plan = Callable[[], Scenario]


class SimulatedServer(Protocol):
    """Server of the machines of one protocol."""

    async def start(self) -> None:
        """Start to serve; raises OSError where the port is taken."""
        ...

    async def close(self) -> None:
        """Stop to serve."""
        ...


async def serve(
    racks: list[Rack], ports: Ports, directory: Path, plan: Plan, watched: Path | None
) -> int:
    """Serve the racks until SIGTERM or SIGINT; return the exit status.

    `plan` returns the scenario, and is called again whenever the file `watched` changes. SIGUSR1
    restarts every machine. The documents are written last: once they exist, the fleet responds.
    """
    machines = by_method(racks)
    faults = Faults(machine for each in machines.values() for machine in each)
    try:
        faults.apply(scenario.faults(plan(), machines))
    except ScenarioError as error:
        for problem in error.problems:
            log.error("invalid scenario: %s", problem)
        return 2
    files, authority = write_files(directory / "certificate", [SERVER_NAME])
    servers: list[SimulatedServer] = [
        IpmiServer(_by_address(machines["ipmi"]), ports.ipmi, faults),
        SnmpServer(_by_address(machines["snmp"]), ports.snmp, faults),
        RedfishServer(_by_address(machines["redfish"]), ports.redfish, *files, faults),
    ]
    following = asyncio.create_task(_follow(plan, watched, machines, faults))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, faults.restart_all, RESTART_S)

    def ready() -> None:
        write(directory, racks, ports, authority)
        count = sum(len(rack.machines) for rack in racks)
        log.info("serving %s in %s", counted(count, "machine"), counted(len(racks), "rack"))

    status = await answer(servers, directory, ready)
    following.cancel()
    return status


async def answer(servers: list[SimulatedServer], directory: Path, ready: Callable[[], None]) -> int:
    """Run servers until SIGTERM or SIGINT; return the exit status.

    `ready` is called once they serve; it writes the documents into `directory`.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        for server in servers:
            await server.start()
    except OSError as error:
        log.error("cannot listen (%s): is another fleet simulated here?", error.strerror)
        return 1
    ready()
    log.info(
        "poll them: rackwatt-exporter run --config.file=%s --secrets.directory=%s",
        directory / "documents",
        directory / "secrets",
    )
    await stop.wait()
    for server in servers:
        await server.close()
    return 0


def by_method(racks: list[Rack]) -> dict[Method, list[SimulatedMachine]]:
    """Group the machines of all racks by method."""
    machines: dict[Method, list[SimulatedMachine]] = {"ipmi": [], "snmp": [], "redfish": []}
    for rack in racks:
        machines[rack.kind.method] += rack.machines
    return machines


async def _follow(
    plan: Plan,
    watched: Path | None,
    machines: dict[Method, list[SimulatedMachine]],
    faults: Faults,
) -> None:
    """Apply the scenario again whenever its file changes; an invalid one changes nothing."""
    seen = _stamp(watched)
    while watched is not None:
        await asyncio.sleep(_CHECK_S)
        if (now := _stamp(watched)) == seen:
            continue
        seen = now
        try:
            faults.apply(scenario.faults(plan(), machines))
            log.info("scenario reloaded")
        except ScenarioError as error:
            for problem in error.problems:
                log.error("invalid scenario, keeping the previous one: %s", problem)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if status else None


def _by_address(machines: list[SimulatedMachine]) -> dict[str, SimulatedMachine]:
    return {machine.address: machine for machine in machines}
