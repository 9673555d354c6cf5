"""SNMP targets: PDUs and BMCs. Some objects, or rows of tables, summed to watts."""

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from msgspec.structs import replace as changed

from rackwatt_exporter.config.options import OidOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.protocols.snmp.client import SnmpClient
from rackwatt_exporter.protocols.snmp.mib import MibResolver
from rackwatt_exporter.protocols.snmp.value import Value
from rackwatt_exporter.reading import Members, ReadError, Reading
from rackwatt_exporter.targets.membership import Membership
from rackwatt_exporter.targets.snmp.credentials import CredentialStore
from rackwatt_exporter.targets.snmp.values import (
    ObjectRef,
    cells,
    each_once,
    is_numeric,
    layout_changed,
    oids_to_get,
    plain,
    present,
    watts,
)

# New rows are searched for about this often: the devices of a daisy chain start one by one.
REFRESH_S = 60.0


class SnmpSource:
    """One agent, and the objects that make up its watts."""

    def __init__(self, client: SnmpClient, options: SnmpOptions, mibs: MibResolver) -> None:
        self._client = client
        self._options = options
        self._terms = options.oids
        self._mibs = mibs
        self._cells: list[ObjectRef] = []
        self._summed: list[ObjectRef] = []
        self._objects: list[str] = []
        self._has_tables = any(term.where for term in options.oids)
        self._columns: set[str] = set()
        self._refresh_at_s = 0.0
        self._membership = Membership()
        self._members: Members | None = None
        others = f" and {len(options.oids) - 1} more" if len(options.oids) > 1 else ""
        self._label = f"{options.oids[0].oid}{others}" if options.oids else ""

    @property
    def session(self) -> str:
        """Version and level, once the agent has responded; only version 3 has sessions."""
        if not self._client.known:
            return ""
        version, level = self._options.version, self._options.level
        return f"SNMPv3, {level}" if version == "3" else f"SNMP {version}, which has none"

    async def read(self) -> Reading:
        """Read the objects in one request, and sum them.

        Raises:
            ReadError: no_power_sensor, member_missing, sensor_unreadable, bad_reply, and those of
                `SnmpClient.get`.
        """
        known = time.monotonic() < self._refresh_at_s
        if not known:
            await self._find()
        values = await self._client.get(self._objects)
        if known and layout_changed(self._cells, values):
            known = False
            await self._find()
            values = await self._client.get(self._objects)
        if not known:
            self._check_members(values)
        return Reading(watts(self._summed, values), self._label, members=self._members)

    async def close(self) -> None:
        """Close the socket: SNMP has no session to end at the peer."""
        self._client.close()

    async def _find(self) -> None:
        """Find the objects of the sum."""
        self._refresh_at_s = 0.0
        found = [cell for term in await self._numeric() for cell in await self._found(term)]
        self._summed = each_once(found)
        self._cells, self._objects = found, oids_to_get(found)

    def _check_members(self, values: dict[str, Value]) -> None:
        """Compare the objects with those of earlier readings, where there are tables.

        They are searched again at each reading while one is missing, and every REFRESH_S otherwise.
        """
        if not self._has_tables:
            self._refresh_at_s = math.inf
            return
        self._members = self._membership.check(present(self._cells, values))
        jitter = random.uniform(0.5, 1)  # noqa: S311 - keeps no secret
        self._refresh_at_s = time.monotonic() + REFRESH_S * jitter

    async def _found(self, term: OidOptions) -> list[ObjectRef]:
        if term.where is None:
            return cells(term, {})
        column = await self._column(term.where.oid)
        try:
            return cells(term, column)
        except ReadError:
            if term.where.oid in self._columns:  # there were rows, and all are gone
                self._membership.check(())
            raise

    async def _column(self, oid: str) -> dict[str, Value]:
        """Read the values of an object of `where`: itself, or every row below it."""
        if oid not in self._columns and (value := await self._client.get([oid])):
            return value
        column = await self._client.walk(oid)
        if column:
            self._columns.add(oid)
        return column

    async def _numeric(self) -> list[OidOptions]:
        names = {oid for term in self._terms for oid in _oids(term) if not is_numeric(oid)}
        numbers = await self._mibs.resolve(names) if names else {}
        return [_numbered(term, numbers) for term in self._terms]


class SnmpDriver:
    """Resources of all agents: keys derived from passwords, and OIDs of symbolic names.

    `client` makes the client of an agent: `SnmpClient`, or a subclass.
    """

    def __init__(self, secrets: Secrets, client: Callable[..., SnmpClient] = SnmpClient) -> None:
        self._client = client
        self._credentials = CredentialStore(secrets)
        self._mibs = MibResolver()

    def source(self, target: Target) -> SnmpSource:
        """Make the source of a target."""
        assert isinstance(target.options, SnmpOptions)  # noqa: S101 - the registry pairs them
        options = target.options
        client = self._client(
            target.address,
            options.port,
            partial(self._credentials.login, target.credentials, options),
            attempts=target.retries + 1,
            attempt_timeout_s=target.attempt_timeout_s,
            bulk=options.version != "1",
        )
        return SnmpSource(client, options, self._mibs)

    async def close(self) -> None:
        """Stop the resolver of names."""
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
