"""A simulated fleet at work: the documents written, three servers answering, until told to stop."""

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from rackwatt_crds.wording import counted
from rackwatt_exporter.simulator import scenario
from rackwatt_exporter.simulator.certificate import keep
from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.fleet import SERVER_NAME, Ports, Rack, write
from rackwatt_exporter.simulator.ipmi.server import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.server import RedfishServer
from rackwatt_exporter.simulator.scenario import Method, Scenario, ScenarioError
from rackwatt_exporter.simulator.snmp.server import SnmpServer

log = logging.getLogger(__name__)

RESTART_S = 5.0
_LOOK_S = 1.0

Plan = Callable[[], Scenario]


class Server(Protocol):
    """What answers for the machines of one protocol."""

    async def start(self) -> None:
        """Answer from now on; raises OSError where the port is taken."""
        ...

    async def close(self) -> None:
        """Answer nobody any more."""
        ...


async def serve(
    furnished: list[Rack], ports: Ports, directory: Path, plan: Plan, watched: Path | None
) -> int:
    """Answer for the racks until SIGTERM or SIGINT; the result is the exit status.

    `plan` says what goes wrong, and is asked again whenever the file `watched` changes. SIGUSR1
    restarts every machine. The documents are written last: when they are there, the fleet answers.
    """
    machines = by_method(furnished)
    faults = Faults(machine for each in machines.values() for machine in each)
    try:
        faults.be(scenario.faults(plan(), machines))
    except ScenarioError as error:
        for problem in error.problems:
            log.error("the scenario cannot be used: %s", problem)
        return 2
    files, authority = keep(directory / "certificate", [SERVER_NAME])
    servers: list[Server] = [
        IpmiServer(_by_address(machines["ipmi"]), ports.ipmi, faults),
        SnmpServer(_by_address(machines["snmp"]), ports.snmp, faults),
        RedfishServer(_by_address(machines["redfish"]), ports.redfish, *files, faults),
    ]
    following = asyncio.create_task(_follow(plan, watched, machines, faults))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, faults.restart_all, RESTART_S)

    def ready() -> None:
        write(directory, furnished, ports, authority)
        count = sum(len(rack.machines) for rack in furnished)
        racks = counted(len(furnished), "rack")
        verb = "answers" if count == 1 else "answer"
        log.info("%s in %s %s", counted(count, "machine"), racks, verb)

    status = await answer(servers, directory, ready)
    following.cancel()
    return status


async def answer(servers: list[Server], directory: Path, ready: Callable[[], None]) -> int:
    """Let servers answer until SIGTERM or SIGINT; the result is the exit status.

    `ready` is called once they do; it writes the documents into `directory`.
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


def by_method(furnished: list[Rack]) -> dict[Method, list[SimulatedMachine]]:
    """Sort the machines of all racks by how they are asked."""
    machines: dict[Method, list[SimulatedMachine]] = {"ipmi": [], "snmp": [], "redfish": []}
    for rack in furnished:
        machines[rack.kind.method] += rack.machines
    return machines


async def _follow(
    plan: Plan,
    watched: Path | None,
    machines: dict[Method, list[SimulatedMachine]],
    faults: Faults,
) -> None:
    """Take the scenario anew whenever its file changes; one that cannot be used changes nothing."""
    seen = _stamp(watched)
    while watched is not None:
        await asyncio.sleep(_LOOK_S)
        if (now := _stamp(watched)) == seen:
            continue
        seen = now
        try:
            faults.be(scenario.faults(plan(), machines))
            log.info("the scenario is read anew")
        except ScenarioError as error:
            for problem in error.problems:
                log.error("the scenario stays as it was: %s", problem)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None


def _by_address(machines: list[SimulatedMachine]) -> dict[str, SimulatedMachine]:
    return {machine.address: machine for machine in machines}
