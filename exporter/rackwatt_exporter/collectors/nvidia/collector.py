"""GPUs of NVIDIA: their energy counters or power, what they are, and how they are used.

Only a whole board is metered, so its energy is counted once, whatever MIG instances it has. The
counter counts from the load of the driver: a decrease is a reload, and nothing is booked for it.
"""

import math
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rackwatt_crds.node.nvidia import Nvidia
from rackwatt_exporter.collectors import gpus as families
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.nvidia.child import NvmlChild
from rackwatt_exporter.collectors.nvidia.report import WITHOUT_DRIVER, NvmlDevice, Report, decoded
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.gpu import Gpu, GpuInstance, bus_id
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.reading import DomainPower, EnergyCounter, ReadError, Reason
from rackwatt_trace.nvml import LIBRARY

FAMILIES = families.FAMILIES

_RESTART_READS = 20  # readings after which a child with a lost GPU is started again
_MEBI = 1024 * 1024
# Bits of nvmlClocksThrottleReasons; idle GPUs and clocks that an application has set are left out.
_THROTTLED = (
    (0x04, "power_cap"),
    (0x08, "hardware_slowdown"),
    (0x10, "sync_boost"),
    (0x20, "software_thermal"),
    (0x40, "hardware_thermal"),
    (0x80, "power_brake"),
)


class NvidiaCollector:
    """The GPUs of NVIDIA in one machine."""

    def __init__(self, host: HostPaths, settings: Nvidia | None, secrets: Secrets) -> None:
        del secrets
        library = settings.library if settings else None
        self._child = NvmlChild(library or LIBRARY)
        # Without a driver no process is started: `auto` has this collector on nodes without a GPU.
        self._signs = () if library else _signs(host)
        self._lost_reads = 0

    async def read(self) -> CollectorResult:
        """Read every GPU.

        Raises:
            ReadError: absent, where there is no driver or no GPU; timeout, where NVML hangs; the
                reason of the error, where NVML cannot be used.
        """
        if self._signs and not any(map(os.path.exists, self._signs)):
            message = f"no driver of NVIDIA is loaded: there is no {self._signs[0]}"
            raise ReadError(Reason.ABSENT, message, remedy=WITHOUT_DRIVER)
        report = decoded(await self._child.report())
        if report.failed is not None:
            await self._child.close()  # a new process loads the library that is there by then
            raise report.failed.error()
        self._lost_reads = self._lost_reads + 1 if report.lost else 0
        if self._lost_reads % _RESTART_READS == _RESTART_READS - 1:
            await self._child.close()  # a GPU that was reset is seen after initialization only
        return result(report)

    async def close(self) -> None:
        """End the process that calls NVML."""
        await self._child.close()


def _signs(host: HostPaths) -> tuple[Path, ...]:
    """Return the files of which one exists where a driver is loaded and may be used."""
    return (
        host.devfs / "nvidiactl",
        Path("/dev/nvidiactl"),  # where the runtime puts it, whatever is mounted for others
        Path("/dev/dxg"),  # Linux on Windows
    )


def result(report: Report) -> CollectorResult:
    """Return the energies or powers, the samples and the inventory of a report.

    Raises:
        ReadError: absent, where it has no GPU; the reason of those that are lost, where it has no
            other.
    """
    error = next((lost.error() for lost in report.lost), None)
    if not report.gpus:
        raise error or ReadError(Reason.ABSENT, "the driver of NVIDIA has no GPU")
    devices = {device.uuid: device for device in report.gpus}  # each once
    energies: list[EnergyCounter] = []
    powers: list[DomainPower] = []
    samples: list[Sample] = []
    inventory: list[Gpu] = []
    for device in devices.values():
        error = error or next((one.error(device.uuid) for one in device.errors), None)
        inventory.append(_gpu(device, report.driver))
        samples += families.described(inventory[-1])
        samples += families.used(inventory[-1], _use(device))
        samples += _throttled(device)
        if device.millijoules is not None:
            joules = device.millijoules / 1000
            energies.append(
                EnergyCounter(
                    families.DOMAIN, device.uuid, joules, math.inf, True, families.MAX_WATTS
                )
            )
        elif device.milliwatts is not None:
            powers.append(DomainPower(families.DOMAIN, device.uuid, device.milliwatts / 1000))
        elif error is None:
            message = f"{device.uuid} measures neither its energy nor its power"
            error = ReadError(Reason.NO_POWER_SENSOR, message)
    return CollectorResult(
        tuple(samples), tuple(energies), error, tuple(powers), gpus=tuple(inventory)
    )


def _use(device: NvmlDevice) -> families.GpuUse:
    percent, limit = device.utilization_percent, device.limit_milliwatts
    return families.GpuUse(
        None if percent is None else percent / 100,
        device.memory_bytes[0] if device.memory_bytes else None,
        device.celsius,
        _hertz(device.sm_megahertz),
        _hertz(device.memory_megahertz),
        None if limit is None else limit / 1000,
    )


def _hertz(megahertz: int | None) -> int | None:
    return None if megahertz is None else megahertz * 1_000_000


def _throttled(device: NvmlDevice) -> Iterator[Sample]:
    who = (str(device.index), device.uuid)
    for bit, reason in _THROTTLED if device.throttle is not None else ():
        value = int(bool((device.throttle or 0) & bit))
        yield Sample(families.THROTTLED, (*who, reason), value)


def _gpu(device: NvmlDevice, driver: str) -> Gpu:
    unknown = any(one.function == "nvmlDeviceGetMigMode" for one in device.errors)
    return Gpu(
        vendor="nvidia",
        index=device.index,
        uuid=device.uuid,
        bus_id=bus_id(device.bus_id) or device.bus_id,
        minor=device.minor,
        model=device.model,
        driver=driver,
        mode="mig" if device.mig else "" if unknown else "none",
        compute_units=device.multiprocessors,
        memory_bytes=device.memory_bytes[1] if device.memory_bytes else None,
        instances=tuple(_instances(device)),
    )


def _instances(device: NvmlDevice) -> Iterator[GpuInstance]:
    """Name each by its GPU instance, with its compute instance where that has several."""
    several = Counter(one.gpu_instance for one in device.instances)
    for one in sorted(
        device.instances, key=lambda each: (each.gpu_instance, each.compute_instance)
    ):
        name = str(one.gpu_instance)
        if several[one.gpu_instance] > 1:
            name += f"/{one.compute_instance}"
        yield GpuInstance(name, one.uuid, one.multiprocessors, one.mebibytes * _MEBI)
