"""CPU of an SNMP reading: ours, pysnmp's and prometheus-snmp-exporter's, against one real snmpd.

CPU is that of the client's process alone, user and system; snmpd answers at many addresses.
"""

import argparse
import asyncio
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from rackwatt_exporter.config.options import OidOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.targets.snmp.source import SnmpDriver
from tests.bench.peer_exporters import AbsentError, PeerExporter, peer_exporter
from tests.bench.process import waited_share
from tests.bench.readings import OURS, ReadingCost, readings
from tests.bench.report import progress
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    PRIV_PASSWORD,
    Snmpd,
    SnmpUser,
    snmpd,
)

OIDS = [f"1.3.6.1.4.1.318.1.1.26.4.3.1.5.{index}" for index in range(1, 5)]
VALUE = 42
IN_FLIGHT = 50
BUDGET_MS = 0.06
VERSIONS = {"2c": "v2c", "3": "v3 authPriv"}
EXPORTER = "prometheus-snmp-exporter"
Read = Callable[[], Awaitable[object]]


def measure(agents: int, sweeps: int) -> list[ReadingCost]:
    """Measure every client against the same agent."""
    addresses = [f"127.85.0.{number}" for number in range(1, agents + 1)]
    objects = [f"{oid} uinteger {VALUE}" for oid in OIDS]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with snmpd(directory / "snmpd", objects, (SnmpUser("monitor"),), addresses) as daemon:
            progress(f"{agents} addresses of one snmpd")
            costs = uvloop.run(_clients(daemon, directory, sweeps))
            return costs + _exporters(daemon, directory, max(1, sweeps // 5))


async def _clients(daemon: Snmpd, directory: Path, sweeps: int) -> list[ReadingCost]:
    costs = []
    await cpu_ms(ours(daemon, directory, "3", 1)[:2], 1)  # whatever is done once
    for version, how in VERSIONS.items():
        one, four = [await cpu_ms(ours(daemon, directory, version, n), sweeps) for n in (1, 4)]
        theirs = await cpu_ms(await pysnmps(daemon, version), max(1, sweeps // 10))
        costs += [
            ReadingCost(OURS, f"{how}, 1 object", *one, budget_ms=BUDGET_MS),
            ReadingCost("pysnmp", f"{how}, 1 object", *theirs),
            ReadingCost(OURS, f"{how}, 4 objects", *four, budget_ms=BUDGET_MS),
        ]
    return costs


def ours(daemon: Snmpd, directory: Path, version: str, objects: int) -> list[Read]:
    """Make a reading of our source for each address."""
    secret = directory / "secrets" / "pdu"
    secret.mkdir(parents=True, exist_ok=True)
    words = {
        "community": COMMUNITY,
        "username": "monitor",
        "authPassword": AUTH_PASSWORD,
        "privPassword": PRIV_PASSWORD,
    }
    for name, word in words.items():
        (secret / name).write_text(word)
    driver = SnmpDriver(Secrets(secret.parent))
    oids = tuple(OidOptions(oid) for oid in OIDS[:objects])
    options = SnmpOptions(port=daemon.port, version=version, oids=oids)  # type: ignore[arg-type]
    return [
        driver.source(Target(a, a, "snmp", options, "lab", credentials="pdu", timeout_s=60.0)).read
        for a in daemon.addresses
    ]


async def pysnmps(daemon: Snmpd, version: str) -> list[Read]:
    """Make a reading of pysnmp for each address, all through one engine."""
    from pysnmp.hlapi.v3arch import asyncio as api

    engine = api.SnmpEngine()
    login = api.CommunityData(COMMUNITY)
    if version == "3":
        login = api.UsmUserData(
            "monitor",
            AUTH_PASSWORD,
            PRIV_PASSWORD,
            authProtocol=api.USM_AUTH_HMAC192_SHA256,
            privProtocol=api.USM_PRIV_CFB128_AES,
        )
    wanted = api.ObjectType(api.ObjectIdentity(OIDS[0]))

    async def read(target: object) -> object:
        failed, status, _, bindings = await api.get_cmd(
            engine, login, target, api.ContextData(), wanted, lookupMib=False
        )
        if failed or status or int(bindings[0][1]) != VALUE:
            raise RuntimeError(f"pysnmp does not read: {failed or status or bindings}")
        return bindings

    targets = [
        await api.UdpTransportTarget.create((address, daemon.port), timeout=20)
        for address in daemon.addresses
    ]
    return [partial(read, target) for target in targets]


async def cpu_ms(reads: list[Read], sweeps: int) -> tuple[float, float]:
    """Measure a first and a warm reading, in milliseconds of CPU."""
    started_s = time.process_time()
    await _sweep(reads)
    first_s = time.process_time() - started_s
    started_s = time.process_time()
    for _ in range(sweeps):
        await _sweep(reads)
    warm_s = time.process_time() - started_s
    return first_s / len(reads) * 1e3, warm_s / len(reads) / sweeps * 1e3


async def _sweep(reads: list[Read]) -> None:
    for start in range(0, len(reads), IN_FLIGHT):
        await asyncio.gather(*(read() for read in reads[start : start + IN_FLIGHT]))


def _exporters(daemon: Snmpd, directory: Path, sweeps: int) -> list[ReadingCost]:
    """Measure the exporter, which has a module for each version and number of objects."""
    requests = [(version, count) for version in VERSIONS for count in (1, 4)]
    hows = {f"v{v}x{n}": f"{VERSIONS[v]}, {n} object{'s' * (n > 1)}" for v, n in requests}
    modules = {f"v{version}x{count}": _module(version, count) for version, count in requests}
    try:
        with peer_exporter(EXPORTER, "/snmp", modules, directory) as peer:
            return [_exported(peer, daemon, sweeps, name, how) for name, how in hows.items()]
    except AbsentError as error:
        return [ReadingCost(EXPORTER, how, None, None, str(error)) for how in hows.values()]


def _exported(peer: PeerExporter, daemon: Snmpd, sweeps: int, module: str, how: str) -> ReadingCost:
    progress(f"{EXPORTER}, {how}")
    targets = [f"{address}:{daemon.port}" for address in daemon.addresses]
    spent_ms = peer.cost_ms(targets, sweeps, f"power_watts {VALUE}", module=module)
    return ReadingCost(EXPORTER, how, None, spent_ms, "opens a session for each reading")


def _module(version: str, objects: int) -> dict[str, Any]:
    login: dict[str, Any] = {"version": 2, "auth": {"community": COMMUNITY}}
    if version == "3":
        auth = {
            "username": "monitor",
            "security_level": "authPriv",
            "password": AUTH_PASSWORD,
            "auth_protocol": "SHA256",
            "priv_protocol": "AES",
            "priv_password": PRIV_PASSWORD,
        }
        login = {"version": 3, "auth": auth}
    names = ["power_watts", *(f"power{number}_watts" for number in range(2, objects + 1))]
    metrics = [
        {"name": name, "oid": oid, "type": "gauge", "help": "Power."}
        for name, oid in zip(names, OIDS[:objects], strict=True)
    ]
    return {"get": OIDS[:objects], "metrics": metrics, "timeout": "20s", **login}


def section(costs: list[ReadingCost], agents: int) -> str:
    """Write the part of the page."""
    intro = f"{agents} addresses of one snmpd, {min(agents, IN_FLIGHT)} in flight."
    return f"## A reading over SNMP\n\n{intro}\n\n{readings('SNMP', costs, waited_share())}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=100)
    parser.add_argument("--sweeps", type=int, default=40)
    arguments = parser.parse_args()
    print(section(measure(arguments.agents, arguments.sweeps), arguments.agents))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
