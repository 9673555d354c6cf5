"""GPUs of NVIDIA on which the processes of a job run, through NVML (libnvidia-ml, nvml.h).

The energy of a GPU is measured as a whole. So it counts only while every process on it is of the
job: that of a shared GPU cannot be divided.
"""

from contextlib import suppress
from typing import NamedTuple

from rackwatt_trace.nvml import Handle, Nvml, NvmlError


class _Device(NamedTuple):
    """A GPU at one moment: memory by process id, and its energy counter where it has one."""

    memory: dict[int, int | None]
    millijoules: int | None


class Gpus:
    """The GPUs of this node; none where there is no NVML, or its driver does not answer."""

    def __init__(self) -> None:
        self._handles: list[Handle] = []
        self._last: list[_Device | None] = []
        self._last_pids: frozenset[int] = frozenset()
        self._millijoules: int | None = None
        try:
            self._nvml = Nvml()
            count = self._nvml.number("nvmlDeviceGetCount_v2")
        except (OSError, NvmlError):  # no library, or no driver
            return
        for index in range(count):
            with suppress(NvmlError):
                self._handles.append(self._nvml.device(index))

    def read(self, pids: frozenset[int]) -> dict[str, int | float | None]:
        """Return what processes use of GPUs; nothing where there is no GPU."""
        if not self._handles:
            return {}
        devices = [self._read(handle) for handle in self._handles]
        used = [one for one in devices if one is not None and not pids.isdisjoint(one.memory)]
        memory = [one.memory[pid] for one in used for pid in pids & one.memory.keys()]
        self._count(devices, pids)
        return {
            "gpus": len(used) if None not in devices else None,
            "gpu_mem": None if None in memory or None in devices else sum(filter(None, memory)),
            "gpu_joules": None if self._millijoules is None else self._millijoules / 1000,
        }

    def _count(self, devices: list[_Device | None], pids: frozenset[int]) -> None:
        """Add the energy of each GPU that the processes had alone, now and at the last reading."""
        for before, now in zip(self._last, devices, strict=False):
            if before is None or now is None:
                continue
            alone = _alone(before, self._last_pids) and _alone(now, pids)
            if alone and before.millijoules is not None and now.millijoules is not None:
                grown = max(0, now.millijoules - before.millijoules)
                self._millijoules = (self._millijoules or 0) + grown
        self._last, self._last_pids = devices, pids

    def _read(self, device: Handle) -> _Device | None:
        try:
            memory = self._nvml.processes(device)
        except NvmlError:
            return None
        try:
            return _Device(memory, self._nvml.millijoules(device))
        except NvmlError:
            return _Device(memory, None)


def _alone(device: _Device, pids: frozenset[int]) -> bool:
    return bool(device.memory) and pids.issuperset(device.memory)
