"""Recorder: reads targets through recording drivers, and writes one capture."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Protocol

import msgspec

from rackwatt_exporter import __version__, capture
from rackwatt_exporter.capture import Capture, CaptureError, Outcome, RecordedTarget
from rackwatt_exporter.config.options import IpmiOptions, OidOptions, RedfishOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.recording.ipmi import IpmiLog, RecordingIpmiDriver
from rackwatt_exporter.recording.redaction import SHORTEST_SECRET, Redactor
from rackwatt_exporter.recording.redfish import RecordingRedfishDriver, RedfishLog
from rackwatt_exporter.recording.snmp import RecordingSnmpDriver, SnmpLog
from rackwatt_exporter.targets.base import Driver, Source

PAUSE_S, DIAGNOSTICS_TIMEOUT_S = 1.0, 30.0
# Keys of a Secret that are to be redacted, but may be common words.
_NAME_KEYS = ("username",)


class DiagnosticDriver(Driver, Protocol):
    """A driver that can read more than the power."""

    async def collect_diagnostics(self) -> None:
        """Read what helps to understand a report."""
        ...


class RecordedWords(Protocol):
    """Record of one target: its part of a capture, and the words to redact."""

    names: set[str]
    secrets: set[str]

    @property
    def method(self) -> Literal["ipmi", "snmp", "redfish"]:
        """Return the field of a capture that it is for."""
        ...

    @property
    def captured(self) -> msgspec.Struct:
        """Return the part of a capture."""
        ...


class KnownSecrets(Secrets):
    """Secrets that register what was read from them, to be redacted."""

    redactor: Redactor

    def read(self, secret: str | None, key: str) -> bytes:
        """Read one key.

        Raises:
            ReadError: as `Secrets.read`.
            CaptureError: it is so short that it is part of many words.
        """
        value = super().read(secret, key)
        text = value.decode("utf-8", "replace")
        if key in _NAME_KEYS:
            self.redactor.replace(text, "redacted")
        elif len(text) < SHORTEST_SECRET:
            message = f"{key} of secret {secret} is shorter than {SHORTEST_SECRET} characters"
            raise CaptureError(f"{message}: it cannot be distinguished from other words")
        else:
            self.redactor.remove(text)
        return value


class Recorder:
    """Records targets one after another; the secrets of each are redacted in all."""

    def __init__(self, secrets: KnownSecrets, readings: int, pause_s: float = PAUSE_S) -> None:
        self._redactor = secrets.redactor = Redactor()
        self._secrets = secrets
        self._readings = readings
        self._pause_s = pause_s
        self._recorded: list[RecordedTarget] = []

    async def record(self, target: Target) -> Outcome:
        """Read a target, keep its responses, and return the outcome of the last reading.

        Raises:
            CaptureError: it cannot be recorded.
        """
        node = f"node{len(self._recorded) + 1}"
        self._redactor.replace(target.node, node)
        self._redactor.replace(target.address, f"{node}.example")
        log, outcomes = await self._read(target)
        recorded = RecordedTarget(
            node=node, method=log.method, settings=_settings(target), outcomes=outcomes
        )
        self._recorded.append(msgspec.structs.replace(recorded, **{log.method: log.captured}))
        return outcomes[-1]

    def capture(self) -> str:
        """Format all recorded targets, redacted.

        Raises:
            CaptureError: a secret would remain in it.
        """
        plain = [msgspec.to_builtins(each) for each in self._recorded]
        for each in plain:
            self._redactor.learn(each)
        redacted = [self._redactor.document(self._without_octets(each)) for each in plain]
        whole = {"format": capture.VERSION, "rackwatt": __version__, "targets": redacted}
        try:
            text = capture.text(msgspec.convert(whole, Capture))
        except msgspec.ValidationError as error:
            raise CaptureError(f"the redacted capture is not valid: {error}") from None
        if self._redactor.leaks(text):
            raise CaptureError("a secret is a word that every capture contains: change it")
        return text

    async def _read(self, target: Target) -> tuple["RecordedWords", list[Outcome]]:
        if isinstance(target.options, IpmiOptions):  # pyghmi has no recording driver
            target = replace(target, options=replace(target.options, oem=False))
        log, driver = _recording(target, self._secrets)
        source = driver.source(target)
        outcomes = []
        for index in range(self._readings):
            await asyncio.sleep(self._pause_s if index else 0)
            outcomes.append(await _outcome(source, target.timeout_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(DIAGNOSTICS_TIMEOUT_S):
                await driver.collect_diagnostics()
        await source.close()
        await driver.close()
        for word in log.names:
            self._redactor.replace(word, "redacted")
        for secret in log.secrets:
            self._redactor.remove(secret)
        return log, outcomes

    def _without_octets(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Empty the bytes that contain a secret: redaction of text does not find it as hex."""
        for command in (plain["ipmi"] or {}).get("commands", ()):
            command["answers"] = [self._hex(answer) for answer in command["answers"]]
        for value in (plain["snmp"] or {}).get("objects", ()):
            if value["kind"] == "bytes":
                value["values"] = [self._hex(each) for each in value["values"]]
        return plain

    def _hex(self, text: str) -> str:
        return self._redactor.octets(bytes.fromhex(text)).hex()


async def _outcome(source: Source, timeout_s: float) -> Outcome:
    try:
        async with asyncio.timeout(timeout_s):
            reading = await source.read()
    except ReadError as error:
        return Outcome(reason=error.reason, message=str(error))
    except TimeoutError:
        return Outcome(reason=Reason.TIMEOUT, message=f"no reading within {timeout_s:g}s")
    return Outcome(watts=reading.watts, source=reading.source)


def _recording(target: Target, secrets: Secrets) -> tuple["RecordedWords", DiagnosticDriver]:
    match target.method:
        case "ipmi":
            commands = IpmiLog()
            return commands, RecordingIpmiDriver(secrets, commands)
        case "snmp":
            values = SnmpLog()
            return values, RecordingSnmpDriver(secrets, values)
        case "redfish":
            resources = RedfishLog()
            return resources, RecordingRedfishDriver(secrets, resources)
        case method:
            raise CaptureError(
                f"{target.node}: targets of method {method} cannot be recorded; "
                "name nodes of the methods ipmi, snmp and redfish"
            )


def _settings(target: Target) -> dict[str, Any]:
    """Return the target's settings in terms of its document, without address and credentials."""
    options = target.options
    if isinstance(options, IpmiOptions):
        return {"dcmi": options.dcmi, "sensors": list(options.sensors)}
    if isinstance(options, SnmpOptions):
        return {"version": options.version, "oids": [_oid(term) for term in options.oids]}
    if isinstance(options, RedfishOptions):
        settings = {"chassis": options.chassis, "value": options.value, "auth": options.auth}
        return {name: word for name, word in settings.items() if word is not None}
    return {}


def _oid(term: OidOptions) -> dict[str, Any]:
    entry: dict[str, Any] = {"oid": term.oid, "scale": term.scale}
    if term.digits_oid is not None:
        entry["digitsOid"] = term.digits_oid
    if term.where is not None:
        entry["where"] = _present(msgspec.to_builtins(term.where))
    return entry


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: word for name, word in fields.items() if word is not None}
