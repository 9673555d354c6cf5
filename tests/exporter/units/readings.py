"""A reading of a unit of which everything is known."""

from rackwatt_exporter.units.model import (
    BlockUse,
    Pressure,
    RdmaUse,
    StepReading,
    UnitGpu,
    UnitInfo,
    UnitKey,
    UnitReading,
)


def full_reading(unit: str = "17") -> UnitReading:
    return UnitReading(
        UnitKey("slurm", unit), "boot-1", cpu_ns=3_000_000_000, user_s=2.0, system_s=1.0, cpus=2.0,
        throttled_s=0.5, throttled_periods=3, anonymous_bytes=1, file_bytes=2, memory_bytes=3,
        memory_limit_bytes=4.0, memory_failures=5, ooms=6, oom_kills=7, swap_bytes=8,
        swap_limit_bytes=9.0, swap_failures=10, cpu_pressure=Pressure(0.1, 0.2),
        memory_pressure=Pressure(0.3, 0.4), io_pressure=Pressure(0.5, 0.6), tasks=11,
        blocks=(BlockUse("sda", 1, 2, 3, 4),), rdma=(RdmaUse("mlx5_0", 1, 2),),
        gpus=(UnitGpu("0", "GPU-1", "", 1.0),), steps=(StepReading("0", 1.0, 0.5, 1, 2),),
        info=UnitInfo("u-u-i-d", "alice", "physics", "train", "prod"),
    )  # fmt: skip
