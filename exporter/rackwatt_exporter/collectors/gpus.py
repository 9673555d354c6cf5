"""Metric families of GPUs, of whichever vendor; and the samples of what one is, and its use.

The label `gpu` is the index of the vendor's tool, for people; `gpu_uuid` is what identifies it. An
instance has the label `instance`, which a scrape keeps with `honor_labels` alone
(docs/decisions/0026-label-instance-of-gpus.md).
"""

from collections.abc import Iterator
from typing import NamedTuple

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.metrics.family import MetricFamily, Sample

_GPU = ("node", "gpu", "gpu_uuid")
_INSTANCE = (*_GPU, "instance")

INFO = MetricFamily(
    "rackwatt_gpu_info",
    "gauge",
    "GPUs of the node; always 1. `mig` is what the board is partitioned by, as `mig` or AMD's "
    "`CPX`, `none`, or empty where that is not known.",
    (*_GPU, "pci_bus_id", "model", "minor", "driver", "mig"),
)
UTILIZATION = MetricFamily(
    "rackwatt_gpu_utilization_ratio",
    "gauge",
    "Share of the last sample period of the driver in which a kernel ran on the GPU.",
    _GPU,
    "ratio",
)
MEMORY = MetricFamily("rackwatt_gpu_memory_bytes", "gauge", "Memory of the GPU.", _GPU, "bytes")
MEMORY_USED = MetricFamily(
    "rackwatt_gpu_memory_used_bytes",
    "gauge",
    "Memory of the GPU that is used, with that of the driver.",
    _GPU,
    "bytes",
)
TEMPERATURE = MetricFamily(
    "rackwatt_gpu_temperature_celsius", "gauge", "Temperature of the GPU.", _GPU, "celsius"
)
CLOCK = MetricFamily(
    "rackwatt_gpu_clock_hertz",
    "gauge",
    "Present clock of the multiprocessors (`sm`) and of the memory.",
    (*_GPU, "clock"),
    "hertz",
)
THROTTLED = MetricFamily(
    "rackwatt_gpu_throttled",
    "gauge",
    "Whether the clocks are lowered at present for this reason.",
    (*_GPU, "reason"),
)
POWER_LIMIT = MetricFamily(
    "rackwatt_gpu_power_limit_watts",
    "gauge",
    "Power that the GPU is limited to at present.",
    _GPU,
    "watts",
)
INSTANCE_INFO = MetricFamily(
    "rackwatt_gpu_instance_info",
    "gauge",
    "Instances that a GPU is partitioned into, such as MIG devices; always 1.",
    (*_INSTANCE, "instance_uuid"),
)
INSTANCE_COMPUTE = MetricFamily(
    "rackwatt_gpu_instance_compute_ratio",
    "gauge",
    "Share of the GPU's multiprocessors that an instance has; what is missing to 1 has none.",
    _INSTANCE,
    "ratio",
)
INSTANCE_MEMORY = MetricFamily(
    "rackwatt_gpu_instance_memory_bytes", "gauge", "Memory of an instance.", _INSTANCE, "bytes"
)
FAMILIES = (
    INFO, UTILIZATION, MEMORY, MEMORY_USED, TEMPERATURE, CLOCK, THROTTLED, POWER_LIMIT,
    INSTANCE_INFO, INSTANCE_COMPUTE, INSTANCE_MEMORY,
)  # fmt: skip


# The domain of a board, and more than any draws: a larger increase of a counter is not energy.
DOMAIN = "gpu"
MAX_WATTS = 4000.0


class GpuUse(NamedTuple):
    """How a GPU is used at present; None for what is not measured."""

    utilization_ratio: float | None = None
    memory_bytes: int | None = None
    celsius: float | None = None
    sm_hertz: int | None = None
    memory_hertz: int | None = None
    limit_watts: float | None = None


def used(gpu: Gpu, use: GpuUse) -> Iterator[Sample]:
    """Go through the samples of what is measured of a GPU's use."""
    who = (str(gpu.index), gpu.uuid)
    values = (
        (UTILIZATION, who, use.utilization_ratio),
        (MEMORY_USED, who, use.memory_bytes),
        (TEMPERATURE, who, use.celsius),
        (CLOCK, (*who, "sm"), use.sm_hertz),
        (CLOCK, (*who, "memory"), use.memory_hertz),
        (POWER_LIMIT, who, use.limit_watts),
    )
    for family, labels, value in values:
        if value is not None:
            yield Sample(family, labels, value)


def described(gpu: Gpu) -> Iterator[Sample]:
    """Go through the samples of what a GPU and its instances are."""
    who = (str(gpu.index), gpu.uuid)
    minor = "" if gpu.minor is None else str(gpu.minor)
    yield Sample(INFO, (*who, gpu.bus_id, gpu.model, minor, gpu.driver, gpu.mode), 1)
    if gpu.memory_bytes is not None:
        yield Sample(MEMORY, who, gpu.memory_bytes)
    for instance in gpu.instances:
        which = (*who, instance.name)
        yield Sample(INSTANCE_INFO, (*which, instance.uuid), 1)
        if gpu.compute_units and instance.compute_units is not None:
            ratio = instance.compute_units / gpu.compute_units
            yield Sample(INSTANCE_COMPUTE, which, ratio)
        if instance.memory_bytes is not None:
            yield Sample(INSTANCE_MEMORY, which, instance.memory_bytes)
