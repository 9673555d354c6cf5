"""A GPU of this machine, by what identifies it, and the instances into which it is partitioned.

Its index is a place in a list, which moves when a GPU fails: UUID and PCI address stay. Collectors
find them; units (jobs, machines, pods) are matched with them.
"""

import re

import msgspec

_BUS_ID = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", re.IGNORECASE)


class GpuInstance(msgspec.Struct, frozen=True):
    """A part of a GPU: a MIG instance, or a partition of AMD.

    `name` is its number on the GPU, `3`, or `3/1` where a GPU instance of MIG has several compute
    instances. `compute_units` are multiprocessors or compute units; None where they are not known.
    `minor` is that of a render node of its own.
    """

    name: str
    uuid: str
    compute_units: int | None = None
    memory_bytes: int | None = None
    bus_id: str | None = None
    minor: int | None = None


class Gpu(msgspec.Struct, frozen=True):
    """One board. `index` is that of the vendor's tool, `minor` that of the device file.

    `compute_units` are all of the board, of which instances may have a part only. `mode` is what it
    is partitioned by: `mig` or the name of AMD's mode, `none`, or empty where that is not known.
    """

    vendor: str
    index: int
    uuid: str
    bus_id: str
    minor: int | None = None
    model: str = ""
    driver: str = ""
    mode: str = ""
    compute_units: int | None = None
    memory_bytes: int | None = None
    instances: tuple[GpuInstance, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it is known to be used as a whole, and not through instances."""
        return self.mode == "none"


def bus_id(text: str) -> str | None:
    """Return a PCI address as Linux writes it, `0000:21:00.0`; None where it is none.

    NVML writes eight digits of the domain, `lspci` may leave it out.
    """
    match = _BUS_ID.fullmatch(text.strip())
    if match is None:
        return None
    domain, bus, device, function = match.groups()
    return f"{int(domain or '0', 16):04x}:{bus}:{device}.{function}".lower()
