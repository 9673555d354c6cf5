"""gres.conf of Slurm (gres.conf(5)): which device files are the GPUs of this node, in which order.

Without `AutoDetect`, Slurm numbers devices in the order of the file; a line `MultipleFiles` is one
device. With it, they are sorted by device file, and then by their place in the order of PCI.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rackwatt_crds.hostlist import expand

_PAIR = re.compile(r"([A-Za-z_]+)\s*=\s*(\"[^\"]*\"|\S+)")
_COUNT = re.compile(r"([0-9]{1,9})([KkMmGgTtPp]?)")
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
MAX_BYTES = 1024 * 1024


class SharedGres(NamedTuple):
    """Shards or MPS of some devices: how many there are in all; of all GPUs without files."""

    files: tuple[str, ...]
    amount: int


class GresConf(NamedTuple):
    """The GPUs of one node. `devices` has the files of each; `is_detected` is AutoDetect."""

    devices: tuple[tuple[str, ...], ...] = ()
    shards: tuple[SharedGres, ...] = ()
    is_detected: bool = False


def gres_conf(text: str, node: str) -> GresConf:
    """Parse the file for a node.

    Raises:
        ValueError: a list of files or nodes is malformed; the message has the line.
    """
    devices: list[tuple[str, ...]] = []
    shards: list[SharedGres] = []
    detected = False
    for line in _lines(text):
        fields = {name.lower(): value.strip('"') for name, value in _PAIR.findall(line)}
        if "nodename" in fields and node not in expand(fields["nodename"]):
            continue
        if "autodetect" in fields:
            detected = fields["autodetect"].lower() != "off"
        kind = fields.get("name", "").lower()
        if kind == "gpu":
            devices += _devices(fields)
        elif kind == "shard":
            files = tuple(_files(fields.get("file", "")))
            shards.append(SharedGres(files, _count(fields.get("count", ""))))
    return GresConf(tuple(devices), tuple(shards), detected)


def _devices(fields: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    if "multiplefiles" in fields:
        yield tuple(_files(fields["multiplefiles"]))
    for file in _files(fields.get("file", "")):
        yield (file,)


def _files(text: str) -> list[str]:
    return expand(text) if text else []


def _count(text: str) -> int:
    match = _COUNT.fullmatch(text)
    return int(match[1]) * _FACTORS[match[2].lower()] if match else 0


def _lines(text: str) -> Iterator[str]:
    """Yield the lines without comments; one that ends in a backslash goes on in the next."""
    for line in text.replace("\\\n", " ").splitlines():
        if line := line.partition("#")[0].strip():
            yield line
