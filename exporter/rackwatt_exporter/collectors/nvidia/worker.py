"""Child process that calls NVML: a line on stdin requests a report, a line of JSON on stdout is it.

A call of NVML hangs where a GPU has fallen off its bus, and cannot be interrupted; the library of a
driver that was replaced never works again in a process that has loaded it. So neither happens in
the exporter: its child is killed and started again. At the end of stdin it exits.

It imports only what it needs: it is there on each node with a GPU.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from rackwatt_trace.nvml import Handle, Nvml, NvmlError

_NOT_LOADED = 12  # NVML_ERROR_LIBRARY_NOT_FOUND
_TEMPERATURE_GPU = 0
_CLOCK_SM, _CLOCK_MEMORY = 1, 2
# FP32 cores of a multiprocessor by compute capability (CUDA C++ Programming Guide, Compute
# Capabilities): no function of NVML returns the multiprocessors of a whole board.
_CORES_PER_MULTIPROCESSOR = {(7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}
_CORES = 128

Values = dict[str, Any]


class NvmlReader:
    """The GPUs of this machine. What does not change of each is read once."""

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        self._driver = nvml.text("nvmlSystemGetDriverVersion")
        self._fixed: dict[str, Values] = {}

    def report(self) -> Values:
        """Read all GPUs; `lost` has the indices and errors of those that do not respond."""
        gpus, lost = [], []
        for index in range(self._nvml.number("nvmlDeviceGetCount_v2")):
            try:
                gpus.append(self._gpu(index, self._nvml.device(index)))
            except NvmlError as error:
                lost.append({"index": index, **_described(error)})
        return {"driver": self._driver, "gpus": gpus, "lost": lost}

    def _gpu(self, index: int, device: Handle) -> Values:
        uuid = self._nvml.text("nvmlDeviceGetUUID", device)
        if uuid not in self._fixed:
            self._fixed[uuid] = self._identity(device)
        errors: list[Values] = []
        values = {"index": index, "uuid": uuid, **self._fixed[uuid], "errors": errors}
        for name, read in self._readings(device):
            try:
                values[name] = read()
            except NvmlError as error:
                if not error.is_absent:
                    errors.append(_described(error))
        if values.get("mig"):
            try:
                values["instances"] = [self._instance(one) for one in self._nvml.instances(device)]
            except NvmlError as error:  # they changed meanwhile
                errors.append(_described(error))
        return values

    def _identity(self, device: Handle) -> Values:
        values: Values = {"bus_id": self._nvml.bus_id(device)}
        readings: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("minor", lambda: self._nvml.number("nvmlDeviceGetMinorNumber", device)),
            ("model", lambda: self._nvml.text("nvmlDeviceGetName", device)),
            ("multiprocessors", lambda: self._multiprocessors(device)),
        )
        for name, read in readings:
            try:
                values[name] = read()
            except NvmlError as error:
                if not error.is_absent:
                    raise
        return values

    def _multiprocessors(self, device: Handle) -> int:
        """Return those of a whole board: its cores by those of a multiprocessor."""
        try:
            cores = self._nvml.number("nvmlDeviceGetNumGpuCores", device)
            capability = self._nvml.pair("nvmlDeviceGetCudaComputeCapability", device)
        except NvmlError:
            return self._nvml.attributes(device).multiprocessors
        return cores // _CORES_PER_MULTIPROCESSOR.get(capability, _CORES)

    def _readings(self, device: Handle) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Go through what changes."""
        nvml = self._nvml
        yield "millijoules", lambda: nvml.millijoules(device)
        yield "milliwatts", lambda: nvml.number("nvmlDeviceGetPowerUsage", device)
        yield "limit_milliwatts", lambda: nvml.number("nvmlDeviceGetEnforcedPowerLimit", device)
        yield "utilization_percent", lambda: nvml.utilization(device)
        yield "memory_bytes", lambda: nvml.memory(device)
        yield (
            "celsius",
            lambda: nvml.number("nvmlDeviceGetTemperature", device, _TEMPERATURE_GPU),
        )
        clock = partial(nvml.number, "nvmlDeviceGetClockInfo", device)
        yield "sm_megahertz", lambda: clock(_CLOCK_SM)
        yield "memory_megahertz", lambda: clock(_CLOCK_MEMORY)
        yield "throttle", lambda: nvml.throttle_reasons(device)
        yield "mig", lambda: nvml.mig_mode(device)

    def _instance(self, instance: Handle) -> Values:
        attributes = self._nvml.attributes(instance)
        return {
            "uuid": self._nvml.text("nvmlDeviceGetUUID", instance),
            "gpu_instance": self._nvml.number("nvmlDeviceGetGpuInstanceId", instance),
            "compute_instance": self._nvml.number("nvmlDeviceGetComputeInstanceId", instance),
            "multiprocessors": attributes.multiprocessors,
            "mebibytes": attributes.mebibytes,
        }


def _described(error: NvmlError) -> Values:
    return {"function": error.function, "code": error.code}


def _serve(library: str) -> Iterator[Values]:
    """Yield a report for each line of stdin; after an error of the library itself, that."""
    reader: NvmlReader | None = None
    for _ in sys.stdin:
        try:
            reader = reader or NvmlReader(Nvml(library))
            report = reader.report()
        except OSError as error:
            report = {"failed": {"function": str(error), "code": _NOT_LOADED}}
        except NvmlError as error:
            report = {"failed": _described(error)}
        yield report


def main() -> None:
    """Report until stdin ends."""
    for report in _serve(sys.argv[1]):
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
