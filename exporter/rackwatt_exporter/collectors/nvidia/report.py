"""Reports of the process that calls NVML: its JSON, as types, and the errors of NVML as reasons."""

import msgspec

from rackwatt_exporter.reading import ReadError, Reason

_RELOAD = (
    "Is the driver loaded, and do its library and its kernel module have one version? "
    "`nvidia-smi` says so on the node."
)
_RESET = "Reset the GPU (`nvidia-smi --gpu-reset`) or restart the node; `dmesg` has its Xid."
_DEVICES = (
    "The exporter needs /dev/nvidiactl and /dev/nvidia0 and on, which the NVIDIA runtime provides "
    "in a container (docs/node.md)."
)
WITHOUT_DRIVER = (
    "On a node with a GPU of NVIDIA: load its driver, or have the NVIDIA runtime provide the "
    "devices in the container (docs/node.md)."
)
_LIBRARY = (
    "libnvidia-ml.so.1 comes with the driver; in a container the NVIDIA runtime provides it "
    "(docs/node.md). spec.node.nvidia.library is its path elsewhere."
)

# nvmlReturn_t: name, reason, what to do. What is absent here is a sensor that cannot be read.
_CODES: dict[int, tuple[str, Reason, str | None]] = {
    1: ("NVML_ERROR_UNINITIALIZED", Reason.SENSOR_UNREADABLE, None),
    2: ("NVML_ERROR_INVALID_ARGUMENT", Reason.BAD_REPLY, None),
    3: ("NVML_ERROR_NOT_SUPPORTED", Reason.NO_POWER_SENSOR, None),
    4: ("NVML_ERROR_NO_PERMISSION", Reason.PERMISSION_DENIED, _DEVICES),
    6: ("NVML_ERROR_NOT_FOUND", Reason.ABSENT, None),
    9: ("NVML_ERROR_DRIVER_NOT_LOADED", Reason.ABSENT, _RELOAD),
    10: ("NVML_ERROR_TIMEOUT", Reason.TIMEOUT, _RESET),
    12: ("NVML_ERROR_LIBRARY_NOT_FOUND", Reason.ABSENT, _LIBRARY),
    13: ("NVML_ERROR_FUNCTION_NOT_FOUND", Reason.ABSENT, _LIBRARY),
    15: ("NVML_ERROR_GPU_IS_LOST", Reason.MEMBER_MISSING, _RESET),
    16: ("NVML_ERROR_RESET_REQUIRED", Reason.SENSOR_UNREADABLE, _RESET),
    17: ("NVML_ERROR_OPERATING_SYSTEM", Reason.PERMISSION_DENIED, _DEVICES),
    18: ("NVML_ERROR_LIB_RM_VERSION_MISMATCH", Reason.SENSOR_UNREADABLE, _RELOAD),
    999: ("NVML_ERROR_UNKNOWN", Reason.SENSOR_UNREADABLE, _RESET),
}


class Failure(msgspec.Struct, frozen=True):
    """An error of a function, or of the library where it cannot be loaded."""

    function: str
    code: int
    index: int | None = None

    def error(self, of: str = "") -> ReadError:
        """Return it as a reason, of a GPU if one is named."""
        name, reason, remedy = _CODES.get(
            self.code, (f"error {self.code} of NVML", Reason.SENSOR_UNREADABLE, None)
        )
        which = of or ("" if self.index is None else f"GPU {self.index}")
        return ReadError(reason, f"{which + ': ' if which else ''}{self.function}: {name}",
                         remedy=remedy)  # fmt: skip


class MigDevice(msgspec.Struct, frozen=True):
    """A MIG device: a compute instance of a GPU instance."""

    uuid: str
    gpu_instance: int
    compute_instance: int
    multiprocessors: int
    mebibytes: int


class NvmlDevice(msgspec.Struct, frozen=True):
    """A GPU at one moment; None for what it does not measure."""

    index: int
    uuid: str
    bus_id: str
    minor: int | None = None
    model: str = ""
    multiprocessors: int | None = None
    millijoules: int | None = None
    milliwatts: int | None = None
    limit_milliwatts: int | None = None
    utilization_percent: int | None = None
    memory_bytes: tuple[int, int] | None = None
    celsius: int | None = None
    sm_megahertz: int | None = None
    memory_megahertz: int | None = None
    throttle: int | None = None
    mig: bool | None = None
    instances: tuple[MigDevice, ...] = ()
    errors: tuple[Failure, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """All GPUs, and the failures of those that do not respond; or the failure of the library."""

    driver: str = ""
    gpus: tuple[NvmlDevice, ...] = ()
    lost: tuple[Failure, ...] = ()
    failed: Failure | None = None


def decoded(line: bytes) -> Report:
    """Decode a report.

    Raises:
        ReadError: bad_reply.
    """
    try:
        return msgspec.json.decode(line, type=Report)
    except msgspec.DecodeError as error:
        message = f"the process that calls NVML printed {line[:80]!r}: {error}"
        raise ReadError(Reason.BAD_REPLY, message) from None
