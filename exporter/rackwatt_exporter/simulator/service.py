"""A simulated fleet at work: the documents written, three servers answering, until told to stop."""

import asyncio
import logging
import signal
from pathlib import Path

from rackwatt_exporter.simulator.certificate import SelfMade, self_made
from rackwatt_exporter.simulator.fleet import SERVER_NAME, Ports, Rack, write
from rackwatt_exporter.simulator.ipmi import IpmiServer
from rackwatt_exporter.simulator.machine import Machine
from rackwatt_exporter.simulator.redfish import RedfishServer
from rackwatt_exporter.simulator.snmp import SnmpServer

log = logging.getLogger(__name__)


async def serve(furnished: list[Rack], ports: Ports, directory: Path) -> int:
    """Answer for the racks until SIGTERM or SIGINT; the result is the exit status.

    The documents are written last: when they are there, the fleet answers.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    certificate = self_made([SERVER_NAME])
    servers = _servers(furnished, ports, _kept(directory / "certificate", certificate))
    try:
        for server in servers:
            await server.start()
    except OSError as error:
        log.error("cannot listen (%s): is another fleet simulated here?", error.strerror)
        return 1
    write(directory, furnished, ports, certificate.authority)
    machines = sum(len(rack.machines) for rack in furnished)
    log.info("%d machines in %d racks answer on loopback", machines, len(furnished))
    log.info(
        "poll them: rackwatt-exporter run --config.file=%s --secrets.directory=%s",
        directory / "documents",
        directory / "secrets",
    )
    await stop.wait()
    for server in servers:
        await server.close()
    return 0


def _servers(
    furnished: list[Rack], ports: Ports, certificate: tuple[Path, Path]
) -> tuple[IpmiServer, SnmpServer, RedfishServer]:
    return (
        IpmiServer(_machines(furnished, "ipmi"), ports.ipmi),
        SnmpServer(_machines(furnished, "snmp"), ports.snmp),
        RedfishServer(_machines(furnished, "redfish"), ports.redfish, *certificate),
    )


def _machines(furnished: list[Rack], method: str) -> dict[str, Machine]:
    return {m.address: m for rack in furnished if rack.kind.method == method for m in rack.machines}


def _kept(directory: Path, made: SelfMade) -> tuple[Path, Path]:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate, key = directory / "tls.crt", directory / "tls.key"
    certificate.write_bytes(made.certificate)
    key.touch(mode=0o600)
    key.write_bytes(made.key)
    return certificate, key
