"""NVML, the management library of NVIDIA's driver (libnvidia-ml.so.1, nvml.h), through ctypes.

Both programs read it: the wrapper of a command on a compute node, which needs nothing but Python,
and the exporter's collector. Few functions are called, so that no package is needed for them: the
module of nvidia-ml-py takes 6 MB of memory and 20 ms to import.
"""

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

LIBRARY = "libnvidia-ml.so.1"
NOT_SUPPORTED, NOT_FOUND, FUNCTION_NOT_FOUND = 3, 6, 13
_MAX_PROCESSES = 256
_MAX_TEXT = 96  # the longest of nvml.h
_NO_BYTES = 2**64 - 1

Handle = ctypes.c_void_p


class NvmlError(Exception):
    """A function of NVML returned an error (nvmlReturn_t), or the library does not have it."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(f"{function} returned {code}")
        self.function = function
        self.code = code

    @property
    def is_absent(self) -> bool:
        """Whether this GPU or this version of the library does not have the value."""
        return self.code in (NOT_SUPPORTED, FUNCTION_NOT_FOUND)


class _ProcessInfo(ctypes.Structure):
    """nvmlProcessInfo_t of nvmlDeviceGetComputeRunningProcesses_v3."""

    _fields_ = (
        ("pid", ctypes.c_uint),
        ("usedGpuMemory", ctypes.c_ulonglong),
        ("gpuInstanceId", ctypes.c_uint),
        ("computeInstanceId", ctypes.c_uint),
    )


class _PciInfo(ctypes.Structure):
    """nvmlPciInfo_t of nvmlDeviceGetPciInfo_v3."""

    _fields_ = (
        ("busIdLegacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("pciDeviceId", ctypes.c_uint),
        ("pciSubSystemId", ctypes.c_uint),
        ("busId", ctypes.c_char * 32),
    )


class _Attributes(ctypes.Structure):
    """nvmlDeviceAttributes_t of nvmlDeviceGetAttributes_v2."""

    _fields_ = (
        ("multiprocessorCount", ctypes.c_uint),
        ("otherEngines", ctypes.c_uint * 5),
        ("slices", ctypes.c_uint * 2),
        ("memorySizeMB", ctypes.c_ulonglong),
    )


class _Memory(ctypes.Structure):
    """nvmlMemory_t of nvmlDeviceGetMemoryInfo."""

    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


class _Utilization(ctypes.Structure):
    """nvmlUtilization_t of nvmlDeviceGetUtilizationRates."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Attributes(NamedTuple):
    """What a MIG instance has of its GPU."""

    multiprocessors: int
    mebibytes: int


class Nvml:
    """The library, initialized. Every function raises NvmlError."""

    def __init__(self, library: str = LIBRARY) -> None:
        """Load and initialize it.

        Raises:
            OSError: there is no such library.
            NvmlError: the driver does not respond to it.
        """
        self._library = ctypes.CDLL(library)
        self.call("nvmlInit_v2")

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function that returns nvmlReturn_t."""
        try:
            code = getattr(self._library, function)(*arguments)
        except AttributeError:
            code = FUNCTION_NOT_FOUND
        if code:
            raise NvmlError(function, code)

    def number(self, function: str, *arguments: Any, kind: Any = ctypes.c_uint) -> int:
        """Return the number that a function writes to its last argument."""
        value = kind()
        self.call(function, *arguments, ctypes.byref(value))
        return int(value.value)

    def pair(self, function: str, *arguments: Any) -> tuple[int, int]:
        """Return the two numbers that a function writes to its last arguments."""
        first, second = ctypes.c_int(), ctypes.c_int()
        self.call(function, *arguments, ctypes.byref(first), ctypes.byref(second))
        return first.value, second.value

    def text(self, function: str, *arguments: Any) -> str:
        """Return the text that a function writes to a buffer, its last two arguments."""
        buffer = ctypes.create_string_buffer(_MAX_TEXT)
        self.call(function, *arguments, buffer, _MAX_TEXT)
        return buffer.value.decode("utf-8", "replace")

    def device(self, index: int) -> Handle:
        """Return the GPU of an index, which is its place in the order of PCI, and no identity."""
        handle = Handle()
        self.call("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(handle))
        return handle

    def instances(self, device: Handle) -> Iterator[Handle]:
        """Go through the MIG instances of a GPU; their indices have holes."""
        for index in range(self.number("nvmlDeviceGetMaxMigDeviceCount", device)):
            handle = Handle()
            try:
                self.call(
                    "nvmlDeviceGetMigDeviceHandleByIndex", device, index, ctypes.byref(handle)
                )
            except NvmlError as error:
                if error.code != NOT_FOUND:
                    raise
            else:
                yield handle

    def mig_mode(self, device: Handle) -> bool:
        """Return whether MIG mode is on at present."""
        return bool(self.pair("nvmlDeviceGetMigMode", device)[0])

    def millijoules(self, device: Handle) -> int:
        """Return the energy of a GPU since its driver was loaded."""
        return self.number("nvmlDeviceGetTotalEnergyConsumption", device, kind=ctypes.c_ulonglong)

    def bus_id(self, device: Handle) -> str:
        """Return the PCI address as the library writes it: `00000000:21:00.0`."""
        info = _PciInfo()
        self.call("nvmlDeviceGetPciInfo_v3", device, ctypes.byref(info))
        return bytes(info.busId).decode("ascii", "replace")

    def attributes(self, device: Handle) -> Attributes:
        """Return the multiprocessors and the memory of a MIG instance."""
        info = _Attributes()
        self.call("nvmlDeviceGetAttributes_v2", device, ctypes.byref(info))
        return Attributes(info.multiprocessorCount, info.memorySizeMB)

    def memory(self, device: Handle) -> tuple[int, int]:
        """Return the bytes of a GPU's memory that are used, and all of them."""
        info = _Memory()
        self.call("nvmlDeviceGetMemoryInfo", device, ctypes.byref(info))
        return info.used, info.total

    def utilization(self, device: Handle) -> int:
        """Return the percentage of the last sample period in which a kernel ran."""
        info = _Utilization()
        self.call("nvmlDeviceGetUtilizationRates", device, ctypes.byref(info))
        return int(info.gpu)

    def throttle_reasons(self, device: Handle) -> int:
        """Return why clocks are lowered, as bits (nvmlClocksThrottleReasons)."""
        function = "nvmlDeviceGetCurrentClocksThrottleReasons"
        return self.number(function, device, kind=ctypes.c_ulonglong)

    def processes(self, device: Handle) -> dict[int, int | None]:
        """Return the bytes that each process has on a GPU; None where they are not known."""
        count = ctypes.c_uint(_MAX_PROCESSES)
        found = (_ProcessInfo * _MAX_PROCESSES)()
        self.call("nvmlDeviceGetComputeRunningProcesses_v3", device, ctypes.byref(count), found)
        used = ((one.pid, one.usedGpuMemory) for one in found[: count.value])
        return {pid: None if size == _NO_BYTES else size for pid, size in used}
