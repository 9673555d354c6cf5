"""CPU of a warm SNMP reading: our source beside pysnmp, against one snmpd in another process.

Run it by `python -m tests.bench.bench_snmp`. CPU is this process' own, user and system.
"""

import asyncio
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from rackwatt_exporter.settings.options import OidOptions, SnmpOptions
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.settings.target import Target
from rackwatt_exporter.targets.snmp import SnmpDriver
from tests.peers.snmpd import (
    AUTH_PASSWORD,
    COMMUNITY,
    PRIV_PASSWORD,
    Snmpd,
    SnmpUser,
    snmpd,
)

OIDS = [f"1.3.6.1.4.1.318.1.1.26.4.3.1.5.{index}" for index in range(1, 5)]
AGENTS = 100
IN_FLIGHT = 50
SWEEPS = 20
PYSNMP_SWEEPS = 2
BUDGET_MS = 0.06
Read = Callable[[], Awaitable[object]]


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
        driver.source(Target(address, address, "snmp", options, "lab", credentials="pdu")).read
        for address in daemon.addresses
    ]


async def pysnmps(daemon: Snmpd, version: str, objects: int) -> list[Read]:
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
    wanted = [api.ObjectType(api.ObjectIdentity(oid)) for oid in OIDS[:objects]]

    def reading(target: object) -> Read:
        return lambda: api.get_cmd(
            engine, login, target, api.ContextData(), *wanted, lookupMib=False
        )

    targets = [
        await api.UdpTransportTarget.create((address, daemon.port)) for address in daemon.addresses
    ]
    return [reading(target) for target in targets]


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


async def main() -> None:
    """Print the table."""
    addresses = [f"127.85.0.{number}" for number in range(1, AGENTS + 1)]
    objects = [f"{oid} uinteger 42" for oid in OIDS]
    print(f"{AGENTS} addresses of one snmpd, {IN_FLIGHT} in flight; budget {BUDGET_MS} ms warm")
    print(f"{'client':<10}{'version':<18}{'objects':>8}{'first, ms':>12}{'warm, ms':>12}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        users = (SnmpUser("monitor"),)
        with snmpd(directory / "snmpd", objects, users, addresses) as daemon:
            for version, level in (("2c", ""), ("3", " authPriv")):
                for count in (1, 4):
                    first, warm = await cpu_ms(ours(daemon, directory, version, count), SWEEPS)
                    _print("rackwatt", version + level, count, first, warm)
                theirs = await pysnmps(daemon, version, 1)
                first, warm = await cpu_ms(theirs, PYSNMP_SWEEPS)
                _print("pysnmp", version + level, 1, first, warm)


def _print(client: str, version: str, objects: int, first: float, warm: float) -> None:
    print(f"{client:<10}{version:<18}{objects:>8}{first:>12.3f}{warm:>12.3f}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    uvloop.run(main())
