"""GPUs of NVIDIA on which the processes of a job run, through NVML (libnvidia-ml, nvml.h).

The energy of a GPU is measured as a whole. So it counts only while every process on it is of the
job: that of a shared GPU cannot be divided.
"""

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

_LIBRARY = "libnvidia-ml.so.1"
_MAX_PROCESSES = 256
_NOT_AVAILABLE = 2**64 - 1


class _ProcessInfo(ctypes.Structure):
    """nvmlProcessInfo_t of nvmlDeviceGetComputeRunningProcesses_v3."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("usedGpuMemory", ctypes.c_ulonglong),
        ("gpuInstanceId", ctypes.c_uint),
        ("computeInstanceId", ctypes.c_uint),
    )


class _Device(NamedTuple):
    """A GPU at one moment: memory by process id, and its energy counter where it has one."""

    memory: dict[int, int | None]
    millijoules: int | None


class Gpus:
    """The GPUs of this node; none where there is no NVML, or its driver does not answer."""

    def __init__(self) -> None:
        self._handles: list[ctypes.c_void_p] = []
        self._last: list[_Device | None] = []
        self._last_pids: frozenset[int] = frozenset()
        self._millijoules: int | None = None
        try:
            self._nvml: Any = ctypes.CDLL(_LIBRARY)
            self._handles = list(self._open())
        except (OSError, AttributeError):  # no library, or an old one without these functions
            self._handles = []

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

    def _open(self) -> Iterator[ctypes.c_void_p]:
        count = ctypes.c_uint()
        if self._nvml.nvmlInit_v2() or self._nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
            return
        for index in range(count.value):
            handle = ctypes.c_void_p()
            if not self._nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
                yield handle

    def _read(self, handle: ctypes.c_void_p) -> _Device | None:
        count = ctypes.c_uint(_MAX_PROCESSES)
        found = (_ProcessInfo * _MAX_PROCESSES)()
        if self._nvml.nvmlDeviceGetComputeRunningProcesses_v3(handle, ctypes.byref(count), found):
            return None
        used = {one.pid: one.usedGpuMemory for one in found[: count.value]}
        memory = {pid: None if it == _NOT_AVAILABLE else it for pid, it in used.items()}
        energy = ctypes.c_ulonglong()
        failed = self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy))
        return _Device(memory, None if failed else energy.value)


def _alone(device: _Device, pids: frozenset[int]) -> bool:
    return bool(device.memory) and pids.issuperset(device.memory)
