"""GPUs of virtual machines of libvirt: PCI devices that are passed through, and vGPUs.

The XML of a domain has each as a `hostdev` (libvirt, formatdomain.html): a PCI address, or the UUID
of a mediated device (mdev), whose parent in /sys is the board. A virtual function of SR-IOV is a
part of the board that `physfn` leads to. Several machines on one board have equal parts.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.gpu import Gpu, bus_id
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.gpus.devices import named
from rackwatt_exporter.units.gpus.shares import Holding
from rackwatt_exporter.units.gpus.unit_gpus import Found
from rackwatt_exporter.units.managers.libvirt import domain_id
from rackwatt_exporter.units.model import UnitKey
from rackwatt_exporter.units.properties.libvirt import Domains

AGAIN_S = 60.0  # devices are attached to machines that run
_HOSTDEV = re.compile(
    rb"<hostdev\b[^>]*\btype=['\"](pci|mdev)['\"][^>]*>(.*?)</hostdev>", re.DOTALL
)
_SOURCE = re.compile(rb"<source\b[^>]*>.*?<address\b([^>]*)/>", re.DOTALL)
_ATTRIBUTE = re.compile(rb"(\w+)=['\"]([0-9a-fA-Fx-]+)['\"]")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class _Seen(NamedTuple):
    devices: tuple[str, ...]
    at_s: float


class LibvirtGpus:
    """The GPUs of the domains of this machine."""

    def __init__(self, host: HostPaths, clock: Callable[[], float] = time.monotonic) -> None:
        self._domains = Domains(host.rootfs)
        self._sysfs = host.sysfs
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def find(self, groups: Iterable[ControlGroup], inventory: Sequence[Gpu]) -> Found:
        """Return the GPUs of each domain; its other devices are of no interest."""
        before, self._seen = self._seen, {}
        found: dict[UnitKey, list[Holding]] = {}
        for group in groups:
            seen = self._seen[group.identity] = self._look(group, before.get(group.identity))
            devices = [one for name in seen.devices for one in named(name, inventory)]
            if devices:
                found[group.key] = [Holding(device) for device in devices]
        return found, None

    def _look(self, group: ControlGroup, seen: _Seen | None) -> _Seen:
        now_s = self._clock()
        if seen is not None and now_s - seen.at_s < AGAIN_S:
            return seen
        text = self._domains.text(domain_id(group.path), group.key.unit)
        boards = (self._board(name) for name in host_devices(text))
        return _Seen(tuple(dict.fromkeys(filter(None, boards))), now_s)

    def _board(self, name: str) -> str | None:
        """Return the PCI address of the board that a device is, or is a part of."""
        path = self._sysfs / "bus/pci/devices" / name
        if _UUID.fullmatch(name):
            path = (self._sysfs / "bus/mdev/devices" / name).resolve().parent
        physical = path / "physfn"
        return bus_id((physical if physical.exists() else path).resolve().name)


def host_devices(text: bytes) -> Iterator[str]:
    """Go through the PCI addresses and the UUIDs of mediated devices in the XML of a domain."""
    for kind, body in _HOSTDEV.findall(text):
        source = _SOURCE.search(body)
        values = dict(_ATTRIBUTE.findall(source[1])) if source else {}
        if kind == b"mdev":
            uuid = values.get(b"uuid", b"").decode().lower()
            if _UUID.fullmatch(uuid):
                yield uuid
            continue
        try:
            numbers = [int(values[name], 16) for name in (b"domain", b"bus", b"slot", b"function")]
        except (KeyError, ValueError):
            continue
        yield "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)
