"""Names and UUIDs of libvirt's domains, from the XML that it keeps of them.

/run/libvirt/qemu has a file for each domain that runs, transient ones too, with its id; the domain
is an element within. /etc/libvirt/qemu has one for each that is defined. Only root may read them.
A file is read when a domain appears, never at a scrape.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from rackwatt_exporter.units.model import UnitInfo

RUNNING, DEFINED = "run/libvirt/qemu", "etc/libvirt/qemu"
_MAX_BYTES = 1 << 20
# Two elements are wanted: an XML parser would be the largest import of a node's exporter.
_DOMAIN = re.compile(rb"<domain\b(?P<attributes>[^>]*)>")
_ID = re.compile(rb"\bid=['\"](\d+)['\"]")
_NAME = re.compile(rb"<name>([^<]*)</name>")
_UUID = re.compile(rb"<uuid>([0-9a-fA-F-]+)</uuid>")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}


class Domains:
    """The domains of the machine whose root directory this is."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def info(self, identity: str, unit: str) -> UnitInfo:
        """Return what is known of a domain by its id, else by its name; only the name without."""
        _, info = self._find(identity, unit)
        return info

    def text(self, identity: str, unit: str) -> bytes:
        """Return the XML of a domain, found in the same way; empty without."""
        text, _ = self._find(identity, unit)
        return text

    def _find(self, identity: str, unit: str) -> tuple[bytes, UnitInfo]:
        for text in self._texts(RUNNING, unit):
            if (known := parsed(text)) is not None and known[0] == identity:
                return text, known[1]
        for text in self._texts(DEFINED, unit):
            if (known := parsed(text)) is not None and known[1].name == unit:
                return text, known[1]
        return b"", UnitInfo(name=unit)

    def _texts(self, directory: str, unit: str) -> Iterator[bytes]:
        """Yield the files of a directory, that which has the unit's name first."""
        try:
            paths = sorted((self._root / directory).glob("*.xml"), key=lambda one: one.stem != unit)
        except OSError:
            return
        for path in paths:
            try:
                with path.open("rb") as file:
                    yield file.read(_MAX_BYTES)
            except OSError:
                continue


def parsed(text: bytes) -> tuple[str, UnitInfo] | None:
    """Return the id of a domain, empty where it does not run, its name and UUID.

    None where it is the XML of something else.
    """
    domain = _DOMAIN.search(text)
    if domain is None:
        return None
    name = _NAME.search(text, domain.end())
    if name is None:
        return None
    identity, uuid = _ID.search(domain["attributes"]), _UUID.search(text, domain.end())
    plain = re.sub("&(?:lt|gt|quot|apos|amp);", lambda one: _ENTITIES[one[0]], _text(name[1]))
    return (
        _text(identity[1]) if identity else "",
        UnitInfo(uuid=_text(uuid[1]).lower() if uuid else "", name=plain),
    )


def _text(found: bytes) -> str:
    return found.decode("utf-8", "replace")
