"""GPUs of pods: by the variables that NVIDIA's device plugin sets, else by their device files.

The plugin sets NVIDIA_VISIBLE_DEVICES of a container to the UUIDs of the GPUs that it gives to it.
With CDI or mounts it does not, nor does AMD's: there /dev of the container has the files of these
GPUs, and no others. Images of NVIDIA have the variable as `all`, which no plugin gave them; a
privileged container has the files of all devices. Neither holds a GPU.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from rackwatt_exporter.units.gpus.claims import CONTAINER, NOTHING, GpuClaim, uuids

_FILES = re.compile(r"nvidia[0-9]+|nvidia-cap[0-9]+|renderD[0-9]+")
_FOLDERS = ("", "nvidia-caps", "dri")
_OF_THE_HOST = ("mem", "kmsg", "port")  # of a privileged container alone


def pod_claim(environments: Iterable[Mapping[str, str]], files: Iterable[str]) -> GpuClaim:
    """Return what the processes of a pod hold, by their variables and the files they see."""
    values = [one[CONTAINER] for one in environments if CONTAINER in one]
    names = {name for value in values for name in uuids(value)}
    if names:
        return GpuClaim(names=tuple(sorted(names)))
    if any(value.strip() == "all" for value in values):
        return NOTHING
    return GpuClaim(files=tuple(sorted(set(files))))


def device_files(process: Path) -> set[str]:
    """Return the names of the device files of GPUs that a process sees (proc(5), /proc/PID/root).

    Raises:
        PermissionError: they may not be listed.
    """
    root = process / "root/dev"
    found: set[str] = set()
    for folder in _FOLDERS:
        try:
            names = os.listdir(root / folder)
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            continue
        if not folder and any(name in names for name in _OF_THE_HOST):
            return set()
        found.update(name for name in names if _FILES.fullmatch(name))
    return found
