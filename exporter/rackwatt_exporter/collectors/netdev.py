"""Traffic and errors of network interfaces: /proc/net/dev (proc(5), `net/dev`).

/proc/net is a link to the network namespace of the process that reads it, whichever /proc it is
read through. In a pod that is the namespace of the pod. The file of process 1 is that of the node:
it is readable by every user, and needs neither the network nor the process namespace of the node.
Where process 1 is hidden (`hidepid`, `ProtectProc=`) and /proc is the machine's own, that of the
exporter is read instead.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from rackwatt_crds.node.netdev import DEFAULT_EXCLUDE, Netdev
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import OpenFile
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.reading import ReadError, Reason

_OWN_PROC = Path("/proc")
_MAX_DIGITS = 20  # of 64 bits
_FIRST_BYTES = 16 * 1024
_MAX_BYTES = 16 * 1024 * 1024


def _counter(name: str, text: str, unit: str = "") -> MetricFamily:
    full = f"rackwatt_node_network_{name}_total"
    return MetricFamily(full, "counter", f"Total number of {text}.", ("node", "device"), unit)


FAMILIES = (
    _counter("receive_bytes", "bytes received", "bytes"),
    _counter("receive_packets", "packets received"),
    _counter("receive_errors", "packets received with an error"),
    _counter("receive_dropped", "packets received and dropped"),
    _counter("receive_fifo_errors", "packets lost because a receive buffer was full"),
    _counter("receive_frame_errors", "packets received with a framing error"),
    _counter("receive_compressed", "compressed packets received"),
    _counter("receive_multicast", "multicast packets received"),
    _counter("transmit_bytes", "bytes sent", "bytes"),
    _counter("transmit_packets", "packets sent"),
    _counter("transmit_errors", "packets that could not be sent for an error"),
    _counter("transmit_dropped", "packets dropped before they were sent"),
    _counter("transmit_fifo_errors", "packets lost because a transmit buffer was full"),
    _counter("transmit_collisions", "collisions while sending"),
    _counter("transmit_carrier_errors", "losses of the carrier while sending"),
    _counter("transmit_compressed", "compressed packets sent"),
)


class NetdevCollector:
    """The network interfaces of one machine."""

    def __init__(self, host: HostPaths, settings: Netdev | None, secrets: Secrets) -> None:
        del secrets
        given = settings or Netdev()
        exclude = given.exclude or (None if given.include else DEFAULT_EXCLUDE)
        self._include = re.compile(given.include or ".*")
        self._exclude = re.compile(exclude) if exclude else None
        self._files = [OpenFile(host.procfs / "1/net/dev")]
        if host.procfs == _OWN_PROC:
            self._files.append(OpenFile(host.procfs / "net/dev"))
        self._bytes = _FIRST_BYTES

    async def read(self) -> CollectorResult:
        """Read the counters of each interface that the settings choose.

        Raises:
            ReadError: absent, permission_denied or sensor_unreadable, where there is no file to
                read; bad_reply, where its format is not that of proc(5).
        """
        samples: list[Sample] = []
        for device, numbers in parse_net_dev(self._text()):
            if self._chooses(device):
                samples += [
                    Sample(family, (device,), number)
                    for family, number in zip(FAMILIES, numbers, strict=True)
                ]
        return CollectorResult(tuple(samples))

    async def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _chooses(self, device: str) -> bool:
        if not self._include.fullmatch(device):
            return False
        return self._exclude is None or not self._exclude.fullmatch(device)

    def _text(self) -> bytes:
        """Read the whole file, which has a line for each interface."""
        while len(text := self._file_text()) == self._bytes < _MAX_BYTES:
            self._bytes *= 2
        return text

    def _file_text(self) -> bytes:
        problems: list[ReadError] = []
        for file in self._files:
            try:
                return file.read(self._bytes)
            except OSError as error:
                problems.append(read_error(file.path, error))
        raise problems[0]


def parse_net_dev(text: bytes) -> Iterator[tuple[str, list[int]]]:
    """Go through the interfaces with their numbers, in the order of FAMILIES.

    Raises:
        ReadError: bad_reply.
    """
    head, _, lines = text.partition(b"\n")
    second, _, lines = lines.partition(b"\n")
    if not head.startswith(b"Inter-|") or not second.endswith(b"carrier compressed"):
        raise ReadError(Reason.BAD_REPLY, f"/proc/1/net/dev starts with {head[:80]!r}")
    for line in lines.splitlines():
        name, _, numbers = line.partition(b":")
        words = numbers.split()
        if len(words) != len(FAMILIES) or not all(map(_is_number, words)):
            message = f"/proc/1/net/dev has {line[:80]!r}, not an interface and 16 numbers"
            raise ReadError(Reason.BAD_REPLY, message)
        yield name.strip().decode("utf-8", "backslashreplace"), [int(word) for word in words]


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= _MAX_DIGITS
