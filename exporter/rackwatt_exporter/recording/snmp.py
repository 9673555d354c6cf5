"""Recording of SNMP agents: their objects and values."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

from rackwatt_exporter import capture
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.snmp.client import SnmpClient
from rackwatt_exporter.protocols.snmp.value import TimeTicks, Unmeasured, Value
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.recording.exchange_log import ExchangeLog
from rackwatt_exporter.targets.snmp.source import SnmpDriver

# SNMPv2-MIB sysDescr, sysObjectID and sysName: the model of the device, and a name to be redacted.
_DESCRIPTION, _KIND, _NAME = (f"1.3.6.1.2.1.1.{n}.0" for n in (1, 2, 5))
_OID = re.compile(r"[0-2](\.[0-9]+)+\Z")


class SnmpLog(ExchangeLog[str, Value]):
    """Values by object."""

    method: Literal["snmp"] = "snmp"

    @property
    def captured(self) -> capture.Snmp:
        """Return the log as a part of a capture."""
        return capture.Snmp(objects=[_object(oid, self.distinct(oid)) for oid in self.responses])


class RecordingSnmpDriver(SnmpDriver):
    """A driver whose clients record values."""

    def __init__(self, secrets: Secrets, log: SnmpLog) -> None:
        super().__init__(secrets, self._recording)
        self._log = log
        self._last: _RecordingClient | None = None

    def _recording(self, *address: Any, **limits: Any) -> SnmpClient:
        self._last = _RecordingClient(*address, **limits)
        self._last.log = self._log
        return self._last

    async def collect_diagnostics(self) -> None:
        """Read the objects that identify the model."""
        if self._last is None:
            return
        with suppress(ReadError):
            named = await self._last.get([_NAME, _DESCRIPTION, _KIND])
            name = named.get(_NAME)
            if isinstance(name, bytes):
                self._log.names.add(name.decode("utf-8", "replace"))
            self._log.responses.pop(_NAME, None)


class _RecordingClient(SnmpClient):
    log: SnmpLog

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        return self._record(await super().get(oids))

    async def walk(self, column: str) -> dict[str, Value]:
        return self._record(await super().walk(column))

    def _record(self, values: dict[str, Value]) -> dict[str, Value]:
        for oid, value in values.items():
            self.log.add(oid, value)
        return values


def _object(oid: str, values: list[Value]) -> capture.SnmpObject:
    first = values[0]
    if isinstance(first, Unmeasured):
        count: Literal["ticks", "counter"] = "ticks" if isinstance(first, TimeTicks) else "counter"
        return capture.SnmpObject(oid=oid, kind=count, values=list(map(str, values)))
    if isinstance(first, int):
        return capture.SnmpObject(oid=oid, kind="integer", values=list(map(str, values)))
    if isinstance(first, float):
        return capture.SnmpObject(oid=oid, kind="real", values=list(map(repr, values)))
    if isinstance(first, str):
        kind: Literal["name", "text"] = "name" if _OID.match(first) else "text"
        return capture.SnmpObject(oid=oid, kind=kind, values=list(map(str, values)))
    octets = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    try:
        texts = [each.decode() for each in octets]
    except UnicodeDecodeError:
        texts = []
    if texts and all(each.isprintable() for each in texts):
        return capture.SnmpObject(oid=oid, kind="text", values=texts)
    return capture.SnmpObject(oid=oid, kind="bytes", values=[each.hex() for each in octets])
