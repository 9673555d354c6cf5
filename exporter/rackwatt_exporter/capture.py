"""A capture: what BMCs answered while they were read, as a file that a person can read and send.

It has no credentials, no session, and nothing that tells whose machine it was (`recording` sees to
that); `simulator.replay` answers from it. YAML, since people will look into it, and change it.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

from rackwatt_crds.decoding import Problem, decode
from rackwatt_crds.model import Model

VERSION: Literal["rackwatt.dev/capture/v1"] = "rackwatt.dev/capture/v1"
MOST_BYTES = 64 * 1024 * 1024

Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", description="Bytes as hex: `dc5801`.")]
OidText = Annotated[str, Meta(pattern=r"^[0-2](\.[0-9]+)+$", description="Such as `1.3.6.1.2.1`.")]
Byte = Annotated[int, Meta(ge=0, le=255)]


class Command(Model, frozen=True, kw_only=True):
    """An IPMI command and its answers in turn: completion code, then data; decrypted, as hex."""

    name: str
    netfn: Byte
    command: Byte
    lun: Byte = 0
    data: Hex = ""
    answers: Annotated[list[Hex], Meta(min_length=1)]


class Ipmi(Model, frozen=True, kw_only=True):
    """What was said inside a session; the suite tells which the BMC accepted."""

    suite: int | None = None
    commands: list[Command] = msgspec.field(default_factory=list)


class Value(Model, frozen=True, kw_only=True):
    """An SNMP object's values in turn, as text; octets that are no text are `bytes`, as hex."""

    oid: OidText
    kind: Literal["integer", "real", "text", "bytes", "name"]
    values: Annotated[list[str], Meta(min_length=1)]


class Snmp(Model, frozen=True, kw_only=True):
    """The objects that were asked for and shown."""

    objects: list[Value] = msgspec.field(default_factory=list)


class RecordedResponse(Model, frozen=True, kw_only=True):
    """One HTTP answer: its JSON as `document`, or as `text` what was none."""

    status: Annotated[int, Meta(ge=100, le=599)]
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    document: Any = None
    text: str | None = None


class Resource(Model, frozen=True, kw_only=True):
    """A path, with its query, and its answers in turn."""

    path: Annotated[str, Meta(pattern=r"^/", description="A path such as `/redfish/v1`.")]
    answers: Annotated[list[RecordedResponse], Meta(min_length=1)]


class Redfish(Model, frozen=True, kw_only=True):
    """The resources that were asked for; `login` is the path that opened a session, if one did."""

    login: str | None = None
    resources: list[Resource] = msgspec.field(default_factory=list)


class Outcome(Model, frozen=True, kw_only=True):
    """What reading it came to: watts and where they were found, or why there are none."""

    watts: float | None = None
    source: str | None = None
    reason: str | None = None
    message: str | None = None


class Recorded(Model, frozen=True, kw_only=True):
    """One target: how it was asked (as documents say it), what came of it, what it answered."""

    node: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=63)]
    method: Literal["ipmi", "snmp", "redfish"]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    ipmi: Ipmi | None = None
    snmp: Snmp | None = None
    redfish: Redfish | None = None


class Capture(Model, frozen=True, kw_only=True):
    """All that was recorded at once; `rackwatt` is the version that did it."""

    format: Literal["rackwatt.dev/capture/v1"]
    rackwatt: str = ""
    targets: Annotated[list[Recorded], Meta(min_length=1, max_length=10_000)]


class CaptureError(Exception):
    """A capture cannot be read, or must not be written; the message says why."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases: captures come from strangers, and with them a small file has no end."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.current_event.start_mark
            told = "an alias (*) stands for something: write it out"
            raise yaml.composer.ComposerError(None, None, told, mark)
        return super().compose_node(parent, index)


def text(capture: Capture) -> str:
    """Write a capture as YAML."""
    plain = msgspec.to_builtins(capture)
    return yaml.safe_dump(_without_none(plain), sort_keys=False, width=100, allow_unicode=True)


def read(path: Path) -> Capture:
    """Read a capture.

    Raises:
        CaptureError: it cannot be read, or what is wrong in it and where.
    """
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    return parse(found)


def parse(found: bytes) -> Capture:
    """Read a capture's text.

    Raises:
        CaptureError: what is wrong in it, and where.
    """
    if len(found) > MOST_BYTES:
        raise CaptureError(f"is longer than {MOST_BYTES} bytes")
    try:
        raw = yaml.load(found, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CaptureError(f"not YAML: {' '.join(str(error).split())}") from None
    capture, problems = decode(raw, Capture)
    if capture is None or problems:
        raise CaptureError("\n".join(map(str, problems)))
    twice = _twice([target.node for target in capture.targets])
    if twice:
        raise CaptureError(str(Problem("targets", f"{twice} is there twice")))
    return capture


def _twice(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _without_none(plain: Any) -> Any:
    """Leave out what says nothing; a document's own null is inside `document`, and stays."""
    if isinstance(plain, list):
        return [_without_none(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    return {
        key: value if key in ("document", "settings") else _without_none(value)
        for key, value in plain.items()
        if value is not None
    }
