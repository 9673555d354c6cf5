"""Where faults are watched: machines over three protocols, some of them sick, a whole exporter.

Every machine draws the same watts all the time, so that a page is right or wrong at one look. Of
each protocol one machine falls sick and the others stay well, in the same racks, with the same
account.
"""

import asyncio
import random
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.faults.device_faults import Fault, Faults
from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from rackwatt_exporter.simulator.snmp.agent import SnmpServer
from tests.eventually import PATIENCE_S
from tests.exporter.running_exporter import RunningExporter
from tests.peers.ports import free_ports

INTERVAL_S, STALE_AFTER_S, MAX_BACKOFF_S = 0.3, 0.9, 0.6
SLACK_S = 1.0  # how late may be what is not late
SERVER_NAME = "bmc.simulated"
METHODS = ("ipmi", "snmp", "redfish")
WELL = 2
_SAMPLE = re.compile(r'^(\w+)\{node="([^"]+)"(.*?)\} (\S+)$', re.MULTILINE)
_REASON = re.compile(r'reason="(\w+)"')


class MetricsPage:
    """One page of /metrics, by family and node; it was made between `requested_s` and `at_s`."""

    def __init__(self, text: str, requested_s: float | None = None) -> None:
        self.text = text
        self.at_s = time.monotonic()
        self.requested_s = self.at_s if requested_s is None else requested_s
        self.values: dict[tuple[str, str], float] = {}
        self.errors: dict[tuple[str, str], float] = {}
        for name, node, more, value in _SAMPLE.findall(text):
            if name == "rackwatt_target_errors_total":
                self.errors[node, _REASON.findall(more)[0]] = float(value)
            else:
                self.values[name, node] = float(value)

    def watts(self, node: str) -> float | None:
        return self.values.get(("rackwatt_node_power_watts", node))

    def up(self, node: str) -> bool:
        return self.values.get(("rackwatt_target_up", node)) == 1

    def age_s(self, node: str) -> float | None:
        return self.values.get(("rackwatt_target_reading_age_seconds", node))

    def reads(self, node: str) -> float:
        return self.values[("rackwatt_target_reads_total", node)]

    def joules(self, node: str) -> float | None:
        return self.values.get(("rackwatt_node_energy_joules_total", node))

    def covered_s(self, node: str) -> float | None:
        return self.values.get(("rackwatt_node_energy_covered_seconds_total", node))


class FaultyFleet:
    """The machines, their faults, and the folder of documents that an exporter runs on."""

    def __init__(self, directory: Path, timeout_s: float = INTERVAL_S) -> None:
        self.directory = directory
        self.timeout_s = timeout_s
        block = f"127.{random.randint(90, 250)}.{random.randint(1, 250)}"
        names = [(m, f"{m}-{who}") for m in METHODS for who in ("sick", *map(str, range(WELL)))]
        self.methods = {name: method for method, name in names}
        self.machines = {
            name: SimulatedMachine(name, f"{block}.{i}", watts, watts)
            for i, (_, name) in enumerate(names, 1)
            for watts in [300.0 + 10 * i]
        }
        self.sick = {method: f"{method}-sick" for method in METHODS}
        self.faults = Faults(self.machines.values(), seed=1)
        self.watched: Callable[[MetricsPage], None] = lambda _: None

    async def __aenter__(self) -> "FaultyFleet":
        files, authority = write_files(self.directory / "certificate", [SERVER_NAME])
        ports = dict(zip(METHODS, free_ports(len(METHODS)), strict=True))
        self.ipmi = IpmiServer(self.of("ipmi"), ports["ipmi"], self.faults)
        self.snmp = SnmpServer(self.of("snmp"), ports["snmp"], self.faults)
        self.redfish = RedfishServer(self.of("redfish"), ports["redfish"], *files, self.faults)
        for server in (self.ipmi, self.snmp, self.redfish):
            await server.start()
        self._write(ports, authority)
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in (self.ipmi, self.snmp, self.redfish):
            await server.close()

    def of(self, method: str) -> dict[str, SimulatedMachine]:
        """Return the machines of a method by address."""
        return {m.address: m for name, m in self.machines.items() if self.methods[name] == method}

    def sessions(self, name: str) -> int:
        """Count the sessions that a machine's BMC has open; those half open end by themselves."""
        address = self.machines[name].address
        if self.methods[name] == "ipmi":
            bmc = self.ipmi._devices[socket.inet_aton(address)]
            return sum(each.keys is not None for each in bmc._sessions.values())  # type: ignore[attr-defined]
        return self.redfish._services[address].sessions  # type: ignore[attr-defined,no-any-return]

    def set(self, name: str, fault: Fault, restart: bool = False) -> None:
        self.faults.set(self.machines[name].address, fault)
        if restart:
            self.faults.restart(self.machines[name].address)

    def clear(self, name: str) -> None:
        self.faults.clear(self.machines[name].address)

    @asynccontextmanager
    async def watching(
        self, sick: Collection[str] = (), well: Collection[str] | None = None
    ) -> AsyncIterator["Watch"]:
        """Run an exporter until all is read, and hold every page of it to what must always hold."""
        async with RunningExporter(self.directory) as site:
            keeping = asyncio.create_task(site.exporter.save_periodically())
            watch = Watch(self, site, set(self.machines) - set(sick) if well is None else set(well))
            await watch.until(lambda seen: all(map(seen.up, self.machines)))
            task = asyncio.create_task(watch.run())
            try:
                yield watch
            finally:
                keeping.cancel()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task  # raises what was found wrong

    def _write(self, ports: dict[str, int], authority: bytes) -> None:
        secrets = {
            "bmc": {"username": "monitor", "password": "simulated"},
            "pdu": {
                "username": "monitor",
                "authPassword": "simulated-auth",
                "privPassword": "simulated-priv",
            },
            "bmc-ca": {"ca.crt": authority.decode()},
        }
        for name, keys in secrets.items():
            folder = self.directory / "secrets" / name
            folder.mkdir(parents=True)
            for key, value in keys.items():
                (folder / key).write_text(value)
        hosts = "".join(
            f"      - {{names: {name}, addresses: {machine.address}, method: {self.methods[name]}, "
            f"credentials: {{secretRef: {{name: {'pdu' if self.methods[name] == 'snmp' else 'bmc'}}}}}}}\n"
            for name, machine in self.machines.items()
        )
        (self.directory / "fleet.yaml").write_text(
            f"""apiVersion: rackwatt.dev/v1alpha1
kind: PowerTarget
metadata: {{name: fleet}}
spec:
  interval: {INTERVAL_S * 1000:.0f}ms
  timeout: {self.timeout_s * 1000:.0f}ms
  staleAfter: {STALE_AFTER_S * 1000:.0f}ms
  maxBackoff: {MAX_BACKOFF_S * 1000:.0f}ms
  retries: 2
  bmc:
    method: ipmi
    ipmi: {{port: {ports["ipmi"]}}}
    snmp: {{port: {ports["snmp"]}, version: "3", oids: [{{oid: 1.3.6.1.4.1.318.1.1.26.4.3.1.5.1, scale: 10}}]}}
    redfish: {{port: {ports["redfish"]}, tls: {{caSecretRef: {{name: bmc-ca}}, serverName: {SERVER_NAME}}}}}
    hosts:
{hosts}"""
        )


class Watch:
    """Looks at the page again and again; what is wrong on any of them fails the test."""

    def __init__(self, fleet: FaultyFleet, site: RunningExporter, well: set[str]) -> None:
        self.fleet = fleet
        self.site = site
        self.pages = 0
        self.reserve_s = 0.0  # what kills of the exporter may make its counters count too much
        self._well = well
        self._counters: dict[str, tuple[float, float, float]] = {}

    async def run(self) -> None:
        while True:
            self.look(MetricsPage(await self.site.text()))
            await asyncio.sleep(0.05)

    def look(self, seen: MetricsPage) -> None:
        self.pages += 1
        for name, machine in self.fleet.machines.items():
            self._hold(seen, name, machine.peak_watts)
        for name in self._well:
            age_s = seen.age_s(name)
            assert seen.watts(name) is not None, f"{name} has no fault, and no watts:\n{seen.text}"
            assert age_s is not None
            assert age_s < 2 * INTERVAL_S + SLACK_S, f"{name} is {age_s} s old"

    def _hold(self, seen: MetricsPage, name: str, watts: float) -> None:
        shown = seen.watts(name)
        assert shown in (None, watts), f"{name} draws {watts} W, and {shown} W is served"
        age_s = seen.age_s(name)
        if shown is not None:
            assert age_s is not None
            assert age_s <= STALE_AFTER_S + 0.05, f"{name} has watts of {age_s} s ago"
        if seen.up(name):  # and not kept from asking again for so long that it is stale
            assert shown is not None or (age_s is not None and age_s > STALE_AFTER_S)
        for family, most_a_second in ((MetricsPage.joules, watts), (MetricsPage.covered_s, 1.0)):
            if (now := family(seen, name)) is not None:
                self._hold_counter(f"{family.__name__} of {name}", now, most_a_second, seen)

    def _hold_counter(self, what: str, now: float, most_a_second: float, seen: MetricsPage) -> None:
        """Require that a counter never falls, and counts nothing twice."""
        first, first_s, last = self._counters.get(what, (now, seen.requested_s, now))
        assert now >= last, f"{what} fell from {last} to {now}"
        passed_s = seen.at_s - first_s + STALE_AFTER_S + SLACK_S + self.reserve_s
        most = first + most_a_second * passed_s
        assert now <= most, f"{what} is {now}, which is more than {most}"
        self._counters[what] = (first, first_s, now)

    async def until(
        self, predicate: Callable[[MetricsPage], bool], within_s: float = PATIENCE_S
    ) -> float:
        """Wait until a page fulfils a predicate; return how long that took."""
        began_s = time.monotonic()
        while not predicate(seen := MetricsPage(await self.site.text())):
            assert time.monotonic() < began_s + within_s, f"not served in time:\n{seen.text}"
            await asyncio.sleep(0.02)
        return time.monotonic() - began_s

    async def until_failing(self, name: str, reason: str) -> None:
        """Wait until a machine fails for a reason, and its watts have been withdrawn."""
        before = MetricsPage(await self.site.text()).errors.get((name, reason), 0)

        def fails(seen: MetricsPage) -> bool:
            return seen.errors.get((name, reason), 0) > before and seen.watts(name) is None

        await self.until(fails)

    async def until_back(self, name: str) -> None:
        """Require that a recovered machine is read within 2 intervals and its back-off."""
        await self.until(lambda seen: seen.up(name), 2 * INTERVAL_S + MAX_BACKOFF_S + SLACK_S)

    async def until_read(self, name: str, before: MetricsPage, times: int) -> None:
        """Require that a machine is read so many times more, allowing for its back-off."""
        wanted = before.reads(name) + times
        within_s = times * INTERVAL_S + MAX_BACKOFF_S + INTERVAL_S + SLACK_S
        await self.until(lambda seen: seen.reads(name) >= wanted and seen.up(name), within_s)
