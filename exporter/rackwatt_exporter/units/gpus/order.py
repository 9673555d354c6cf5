"""Numbers that Slurm gives to devices.

The document may say so (`gpuOrderMap`). Without it, gres.conf does: its device files are minors,
which the driver says of each GPU. Without that, Slurm finds GPUs by itself, and sorts whole ones by
their place on PCI, as the driver does. Where instances are among them, their order is not known,
and is no guess here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.gpus.devices import GpuDevice, devices_of
from rackwatt_exporter.units.gpus.gres_conf import GresConf

_ENTRY = re.compile(r"([0-9]{1,4}):([0-9]{1,4})(?:\.([0-9]{1,4}(?:/[0-9]{1,4})?))?")
_NVIDIA = re.compile(r"nvidia([0-9]{1,6})")
_CAPABILITY = re.compile(r"nvidia-cap([0-9]{1,6})")
_RENDER = re.compile(r"renderD([0-9]{1,6})")
_MINOR = re.compile(r"gpu([0-9]+)/gi([0-9]+)(?:/ci([0-9]+))?/access ([0-9]+)")
MIG_MINORS = "driver/nvidia-caps/mig-minors"
_REMEDY = "Say with gpuOrderMap which GPU has which number of Slurm (docs/node.md)."


class MigFile(NamedTuple):
    """What a device file of /dev/nvidia-caps opens: an instance of the GPU with this minor."""

    minor: str
    gpu_instance: str
    compute_instance: str


def order_map(text: str) -> dict[int, tuple[int, str]]:
    """Parse `0:1,1:0.3`: the number of Slurm, the index of the GPU, and its GPU instance.

    Raises:
        ValueError: it is malformed, or has a number twice.
    """
    found: dict[int, tuple[int, str]] = {}
    for entry in text.split(","):
        match = _ENTRY.fullmatch(entry.strip())
        if match is None:
            raise ValueError(f"{entry.strip()!r} is not as `0:1` or `1:0.3`")
        if int(match[1]) in found:
            raise ValueError(f"the number {match[1]} is there twice")
        found[int(match[1])] = int(match[2]), match[3] or ""
    return found


def mig_files(text: str) -> dict[str, MigFile]:
    """Parse /proc/driver/nvidia-caps/mig-minors: instances by the number of their device file."""
    return {minor: MigFile(gpu, gi, ci) for gpu, gi, ci, minor in _MINOR.findall(text)}


class GpuOrder:
    """Devices by the numbers of Slurm; `problem` says why these are not known, if they are not."""

    def __init__(self, devices: Mapping[int, GpuDevice], problem: ReadError | None = None) -> None:
        self.devices = devices
        self.problem = problem

    @classmethod
    def of_map(cls, entries: Mapping[int, tuple[int, str]], inventory: Sequence[Gpu]) -> "GpuOrder":
        """Return the order that a document says, as far as its GPUs are there."""
        by_name = {
            (gpu.index, device.instance.name if device.instance else ""): device
            for gpu in inventory
            for device in devices_of(gpu)
        }
        found = {number: by_name[name] for number, name in entries.items() if name in by_name}
        return cls(found, _missing("gpuOrderMap", [n for n in entries if n not in found]))

    @classmethod
    def of_gres(
        cls, gres: GresConf, minors: Mapping[str, MigFile], inventory: Sequence[Gpu]
    ) -> "GpuOrder":
        """Return the order of the device files of gres.conf."""
        found: dict[int, GpuDevice] = {}
        for number, files in enumerate(gres.devices):
            device = opened(files, minors, inventory)
            if device is not None:
                found[number] = device
        missing = [number for number in range(len(gres.devices)) if number not in found]
        return cls(found, _missing("gres.conf", missing))

    @classmethod
    def detected(cls, inventory: Sequence[Gpu]) -> "GpuOrder":
        """Return the order in which Slurm, and Torque, find whole GPUs by themselves."""
        gpus = sorted(inventory, key=lambda gpu: gpu.index)
        if not all(gpu.is_whole for gpu in gpus):
            return cls({}, _doubt("some GPUs are partitioned, or may be"))
        if len({gpu.vendor for gpu in gpus}) > 1:
            return cls({}, _doubt("there are GPUs of two vendors"))
        return cls({number: GpuDevice(gpu) for number, gpu in enumerate(gpus)})

    @classmethod
    def unknown(cls, inventory: Sequence[Gpu]) -> "GpuOrder":
        """Return the order without gres.conf: only where device files and PCI have the same."""
        minors = [gpu.minor for gpu in sorted(inventory, key=lambda gpu: gpu.index)]
        known = [minor for minor in minors if minor is not None]
        if len(known) == len(minors) and known == sorted(known):
            return cls.detected(inventory)
        return cls({}, _doubt("device files have another order than PCI, and no gres.conf is read"))


def opened(
    files: Sequence[str], minors: Mapping[str, MigFile], inventory: Sequence[Gpu]
) -> GpuDevice | None:
    """Return the device of some files: an instance, if one of them is of nvidia-caps."""
    names = [file.rpartition("/")[2] for file in files]
    capabilities = [
        minors[match[1]]
        for name in names
        if (match := _CAPABILITY.fullmatch(name)) and match[1] in minors
    ]
    for capability in sorted(capabilities, key=lambda one: not one.compute_instance):
        return _instance(capability, inventory)
    for name in names:
        for vendor, pattern in (("nvidia", _NVIDIA), ("amd", _RENDER)):
            if match := pattern.fullmatch(name):
                return _board(vendor, int(match[1]), inventory)
    return None


def seen(
    files: Sequence[str], minors: Mapping[str, MigFile], inventory: Sequence[Gpu]
) -> list[GpuDevice]:
    """Return the devices whose files a container sees; a file of a partitioned board is none."""
    found = (opened((file,), minors, inventory) for file in files)
    return list({device.key: device for device in found if device is not None}.values())


def _board(vendor: str, minor: int, inventory: Sequence[Gpu]) -> GpuDevice | None:
    """Return the board, or the partition of one, with this device file."""
    devices = (one for gpu in inventory if gpu.vendor == vendor for one in devices_of(gpu))
    minors = ((one, one.instance.minor if one.instance else one.gpu.minor) for one in devices)
    return next((device for device, its in minors if its == minor), None)


def _instance(file: MigFile, inventory: Sequence[Gpu]) -> GpuDevice | None:
    names = (file.gpu_instance, f"{file.gpu_instance}/{file.compute_instance or '0'}")
    for gpu in inventory:
        if gpu.vendor == "nvidia" and str(gpu.minor) == file.minor:
            found = (one for one in devices_of(gpu) if one.instance and one.instance.name in names)
            return next(found, None)
    return None


def _missing(where: str, numbers: Sequence[int]) -> ReadError | None:
    if not numbers:
        return None
    listed = ", ".join(map(str, numbers))
    message = f"{where} has GPUs that are not in this node, with the numbers {listed}"
    return ReadError(Reason.MEMBER_MISSING, message, remedy=_REMEDY)


def _doubt(why: str) -> ReadError:
    message = f"the order in which GPUs are numbered is not known: {why}"
    return ReadError(Reason.ABSENT, message, remedy=_REMEDY)
