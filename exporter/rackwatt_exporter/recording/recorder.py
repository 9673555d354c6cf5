"""Reading targets some times, each through a driver that notes what it hears, into one capture."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, Protocol

import msgspec

from rackwatt_exporter import __version__, capture
from rackwatt_exporter.capture import Capture, CaptureError, Outcome, Recorded
from rackwatt_exporter.config.options import IpmiOptions, OidOptions, RedfishOptions, SnmpOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.recording.ipmi import IpmiTape, RecordingIpmiDriver
from rackwatt_exporter.recording.redaction import SHORTEST_SECRET, Redactor
from rackwatt_exporter.recording.redfish import RecordingRedfishDriver, RedfishTape
from rackwatt_exporter.recording.snmp import RecordingSnmpDriver, SnmpTape
from rackwatt_exporter.targets.base import Driver, Source

PAUSE_S, LOOK_AROUND_S = 1.0, 30.0
METHODS = ("ipmi", "snmp", "redfish")
# Keys of a Secret that a person knows and may not want told, but that are words like others.
_NAMES = ("username",)


class LookingDriver(Driver, Protocol):
    """A driver that can ask for more than a reading does."""

    async def look_around(self) -> None:
        """Ask for what helps whoever looks into a report."""
        ...


class Heard(Protocol):
    """What was noted of one target: its part of a capture, and the words that must not be in it."""

    names: set[str]
    secrets: set[str]

    @property
    def method(self) -> Literal["ipmi", "snmp", "redfish"]:
        """Tell which part that is."""
        ...

    @property
    def captured(self) -> msgspec.Struct:
        """Give what was heard as a part of a capture."""
        ...


class KnownSecrets(Secrets):
    """Secrets that remember what was read from them, so that it can be taken out."""

    redactor: Redactor

    def read(self, secret: str | None, key: str) -> bytes:
        """Read one key.

        Raises:
            ReadError: as ever.
            CaptureError: it is so short that it would be found in everything.
        """
        value = super().read(secret, key)
        said = value.decode("utf-8", "replace")
        if key in _NAMES:
            self.redactor.call(said, "redacted")
        elif len(said) < SHORTEST_SECRET:
            told = f"{key} of secret {secret} is shorter than {SHORTEST_SECRET} characters"
            raise CaptureError(f"{told}: it cannot be told from what is no secret")
        else:
            self.redactor.hide(said)
        return value


class Recorder:
    """Records targets one after another; what any of them keeps secret is told of none."""

    def __init__(self, secrets: KnownSecrets, readings: int, pause_s: float = PAUSE_S) -> None:
        self._redactor = secrets.redactor = Redactor()
        self._secrets = secrets
        self._readings = readings
        self._pause_s = pause_s
        self._recorded: list[Recorded] = []

    async def record(self, target: Target) -> Outcome:
        """Read a target, keep what it answers, and give what the last reading came to.

        Raises:
            CaptureError: it cannot be recorded.
        """
        if target.method not in METHODS:
            raise CaptureError(f"{target.node}: {target.method} has no answers of a BMC to record")
        node = f"node{len(self._recorded) + 1}"
        self._redactor.call(target.node, node)
        self._redactor.call(target.address, f"{node}.example")
        heard, outcomes = await self._heard(target)
        told = Recorded(
            node=node, method=heard.method, settings=_settings(target), outcomes=outcomes
        )
        self._recorded.append(msgspec.structs.replace(told, **{heard.method: heard.captured}))
        return outcomes[-1]

    def capture(self) -> str:
        """Write all that was recorded, without what must not be told.

        Raises:
            CaptureError: a secret would be in it all the same.
        """
        plain = [msgspec.to_builtins(each) for each in self._recorded]
        for each in plain:
            self._redactor.learn(each)
        told = [self._redactor.document(self._without_octets(each)) for each in plain]
        whole = {"format": capture.VERSION, "rackwatt": __version__, "targets": told}
        try:
            text = capture.text(msgspec.convert(whole, Capture))
        except msgspec.ValidationError as error:
            raise CaptureError(f"without its secrets the capture makes no sense: {error}") from None
        if self._redactor.leaks(text):
            raise CaptureError("a secret is, by chance, a word that every capture has: change it")
        return text

    async def _heard(self, target: Target) -> tuple["Heard", list[Outcome]]:
        if isinstance(target.options, IpmiOptions):  # pyghmi's way in has no ears of ours
            target = replace(target, options=replace(target.options, oem=False))
        heard, driver = _listening(target.method, self._secrets)
        source = driver.source(target)
        outcomes = []
        for turn in range(self._readings):
            await asyncio.sleep(self._pause_s if turn else 0)
            outcomes.append(await _outcome(source, target.timeout_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AROUND_S):
                await driver.look_around()
        await source.close()
        await driver.close()
        for word in heard.names:
            self._redactor.call(word, "redacted")
        for secret in heard.secrets:
            self._redactor.hide(secret)
        return heard, outcomes

    def _without_octets(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Empty the bytes that a secret is in: as hex it would not be found."""
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


def _listening(method: str, secrets: Secrets) -> tuple["Heard", LookingDriver]:
    match method:
        case "ipmi":
            commands = IpmiTape()
            return commands, RecordingIpmiDriver(secrets, commands)
        case "snmp":
            values = SnmpTape()
            return values, RecordingSnmpDriver(secrets, values)
        case "redfish":
            resources = RedfishTape()
            return resources, RecordingRedfishDriver(secrets, resources)
        case _:
            raise ValueError(f"targets of method {method} cannot be recorded")


def _settings(target: Target) -> dict[str, Any]:
    """Tell how the target is asked, as its document may: without where it is and who asks."""
    options = target.options
    if isinstance(options, IpmiOptions):
        return {"dcmi": options.dcmi, "sensors": list(options.sensors)}
    if isinstance(options, SnmpOptions):
        return {"version": options.version, "oids": [_oid(term) for term in options.oids]}
    if isinstance(options, RedfishOptions):
        said = {"chassis": options.chassis, "value": options.value, "auth": options.auth}
        return {name: word for name, word in said.items() if word is not None}
    return {}


def _oid(term: OidOptions) -> dict[str, Any]:
    said: dict[str, Any] = {"oid": term.oid, "scale": term.scale}
    if term.digits_oid is not None:
        said["digitsOid"] = term.digits_oid
    if term.where is not None:
        said["where"] = _present(msgspec.to_builtins(term.where))
    return said


def _present(said: dict[str, Any]) -> dict[str, Any]:
    return {name: word for name, word in said.items() if word is not None}
