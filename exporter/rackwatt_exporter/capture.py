"""Capture: a file with the responses of BMCs, recorded while they were polled.

It has no credentials, no sessions and nothing that identifies the machine: `recording` redacts it.
`simulator.replay` responds from it. It is YAML, so that users can read and edit it.
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
MAX_BYTES = 64 * 1024 * 1024

Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*$", description="Bytes as hex: `dc5801`.")]
OidText = Annotated[str, Meta(pattern=r"^[0-2](\.[0-9]+)+$", description="Such as `1.3.6.1.2.1`.")]
Byte = Annotated[int, Meta(ge=0, le=255)]


class Command(Model, frozen=True, kw_only=True):
    """An IPMI command and its responses in order: completion code and data, decrypted, as hex."""

    name: str
    netfn: Byte
    command: Byte
    lun: Byte = 0
    data: Hex = ""
    answers: Annotated[list[Hex], Meta(min_length=1)]


class Ipmi(Model, frozen=True, kw_only=True):
    """The commands of an IPMI session, and the cipher suite that the BMC accepted."""

    suite: int | None = None
    commands: list[Command] = msgspec.field(default_factory=list)


class SnmpObject(Model, frozen=True, kw_only=True):
    """An SNMP object and its values in order, as text; octets that are not text as hex."""

    oid: OidText
    kind: Literal["integer", "counter", "ticks", "real", "text", "bytes", "name"]
    values: Annotated[list[str], Meta(min_length=1)]


class Snmp(Model, frozen=True, kw_only=True):
    """The objects that were requested."""

    objects: list[SnmpObject] = msgspec.field(default_factory=list)


class RecordedResponse(Model, frozen=True, kw_only=True):
    """An HTTP response: JSON as `document`, another body as `text`."""

    status: Annotated[int, Meta(ge=100, le=599)]
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    document: Any = None
    text: str | None = None


class Resource(Model, frozen=True, kw_only=True):
    """A path with its query, and its responses in order."""

    path: Annotated[str, Meta(pattern=r"^/", description="A path such as `/redfish/v1`.")]
    answers: Annotated[list[RecordedResponse], Meta(min_length=1)]


class Redfish(Model, frozen=True, kw_only=True):
    """The resources that were requested; `login` is the path that created a session, if any."""

    login: str | None = None
    resources: list[Resource] = msgspec.field(default_factory=list)


class Outcome(Model, frozen=True, kw_only=True):
    """The result of a poll: watts and their source, or the reason of the failure."""

    watts: float | None = None
    source: str | None = None
    reason: str | None = None
    message: str | None = None


class RecordedTarget(Model, frozen=True, kw_only=True):
    """A target: its settings as in documents, the results, and the responses."""

    node: Annotated[str, Meta(pattern=r"^[a-z0-9-]+$", max_length=63)]
    method: Literal["ipmi", "snmp", "redfish"]
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    ipmi: Ipmi | None = None
    snmp: Snmp | None = None
    redfish: Redfish | None = None


class Capture(Model, frozen=True, kw_only=True):
    """A recording of targets; `rackwatt` is the version that wrote it."""

    format: Literal["rackwatt.dev/capture/v1"]
    rackwatt: str = ""
    targets: Annotated[list[RecordedTarget], Meta(min_length=1, max_length=10_000)]


class CaptureError(Exception):
    """A capture that cannot be read or must not be written; the message has the reason."""


class _Loader(yaml.SafeLoader):
    """YAML without aliases: with them a small file from a stranger could expand without limit."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.current_event.start_mark
            problem = "aliases (*) are not supported: repeat the value"
            raise yaml.composer.ComposerError(None, None, problem, mark)
        return super().compose_node(parent, index)


def text(capture: Capture) -> str:
    """Return a capture as YAML."""
    plain = msgspec.to_builtins(capture)
    return yaml.safe_dump(_without_none(plain), sort_keys=False, width=100, allow_unicode=True)


def read(path: Path) -> Capture:
    """Read a capture.

    Raises:
        CaptureError: the file cannot be read, or is invalid; the message has every problem.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    return parse(content)


def parse(content: bytes) -> Capture:
    """Parse a capture.

    Raises:
        CaptureError: the capture is invalid; the message has every problem.
    """
    if len(content) > MAX_BYTES:
        raise CaptureError(f"is longer than {MAX_BYTES} bytes")
    try:
        raw = yaml.load(content, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CaptureError(f"not YAML: {' '.join(str(error).split())}") from None
    capture, problems = decode(raw, Capture)
    if capture is None or problems:
        raise CaptureError("\n".join(map(str, problems)))
    twice = _twice([target.node for target in capture.targets])
    if twice:
        raise CaptureError(str(Problem("targets", f"{twice} is listed twice")))
    return capture


def _twice(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _without_none(plain: Any) -> Any:
    """Remove null values, except inside `document` and `settings`."""
    if isinstance(plain, list):
        return [_without_none(each) for each in plain]
    if not isinstance(plain, dict):
        return plain
    return {
        key: value if key in ("document", "settings") else _without_none(value)
        for key, value in plain.items()
        if value is not None
    }
