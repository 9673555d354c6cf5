"""SNMP targets: PDUs, and BMCs that speak it. Some objects, or rows of tables, summed to watts."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from msgspec.structs import replace as changed

from rackwatt_exporter.protocols.mib import Mibs
from rackwatt_exporter.protocols.snmp import Agent
from rackwatt_exporter.protocols.snmp_value import Value
from rackwatt_exporter.reading import Reading
from rackwatt_exporter.settings.options import OidOptions, SnmpOptions
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.settings.target import Target
from rackwatt_exporter.targets.snmp_login import Logins
from rackwatt_exporter.targets.snmp_sum import Cell, asked, cells, is_numeric, moved, plain, watts


class SnmpSource:
    """One agent, and the cells of its tables that make up its watts."""

    def __init__(self, agent: Agent, options: SnmpOptions, mibs: Mibs) -> None:
        self._agent = agent
        self._options = options
        self._terms = options.oids
        self._mibs = mibs
        self._cells: list[Cell] = []
        self._asked: list[str] = []
        others = f" and {len(options.oids) - 1} more" if len(options.oids) > 1 else ""
        self._label = f"{options.oids[0].oid}{others}" if options.oids else ""

    @property
    def session(self) -> str:
        """With version 3 the agent's engine that is known; before it there are no sessions."""
        if not self._agent.known:
            return ""
        version, level = self._options.version, self._options.level
        return f"SNMPv3, {level}" if version == "3" else f"SNMP {version}, which has none"

    async def read(self) -> Reading:
        """Read the objects in one request, and sum them.

        Raises:
            ReadError: no_power_sensor, sensor_unreadable, bad_reply, and those of `Agent.get`.
        """
        known = bool(self._cells)
        values = await self._values()
        if known and moved(self._cells, values):
            self._cells = []
            values = await self._values()
        return Reading(watts(self._cells, values), self._label)

    async def close(self) -> None:
        """Let the socket go: SNMP has no session to end at the peer."""
        self._agent.close()

    async def _values(self) -> dict[str, Value]:
        if not self._cells:
            found = [cell for term in await self._numeric() for cell in await self._found(term)]
            self._cells, self._asked = found, asked(found)
        return await self._agent.get(self._asked)

    async def _found(self, term: OidOptions) -> list[Cell]:
        column: dict[str, Value] = {}
        if term.where is not None:
            oid = term.where.oid
            column = await self._agent.get([oid]) or await self._agent.walk(oid)
        return cells(term, column)

    async def _numeric(self) -> list[OidOptions]:
        names = {oid for term in self._terms for oid in _oids(term) if not is_numeric(oid)}
        numbers = await self._mibs.numbers(names) if names else {}
        return [_numbered(term, numbers) for term in self._terms]


class SnmpDriver:
    """What all agents share: keys made from passwords, and the numbers of symbolic names.

    `agent` makes this end of a conversation: `Agent`, or what does the same and more.
    """

    def __init__(self, secrets: Secrets, agent: Callable[..., Agent] = Agent) -> None:
        self._agent = agent
        self._logins = Logins(secrets)
        self._mibs = Mibs()

    def source(self, target: Target) -> SnmpSource:
        """Make the source of a target."""
        assert isinstance(target.options, SnmpOptions)  # noqa: S101 - the catalogue's own pairing
        options = target.options
        agent = self._agent(
            target.address,
            options.port,
            partial(self._logins.login, target.credentials, options),
            attempts=target.retries + 1,
            attempt_timeout_s=target.attempt_timeout_s,
            bulk=options.version != "1",
        )
        return SnmpSource(agent, options, self._mibs)

    async def close(self) -> None:
        """End what looks names up."""
        await self._mibs.close()


def _oids(term: OidOptions) -> Iterator[str]:
    yield term.oid
    if term.digits_oid is not None:
        yield term.digits_oid
    if term.where is not None:
        yield term.where.oid


def _numbered(term: OidOptions, numbers: dict[str, str]) -> OidOptions:
    def number(oid: str) -> str:
        return plain(numbers.get(oid, oid))

    return replace(
        term,
        oid=number(term.oid),
        digits_oid=term.digits_oid and number(term.digits_oid),
        where=term.where and changed(term.where, oid=number(term.where.oid)),
    )
