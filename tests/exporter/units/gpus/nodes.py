"""GPUs of nodes: two A100, one of them in MIG mode, as NVIDIA documents it; and eight H100."""

from rackwatt_exporter.gpu import Gpu, GpuInstance


def a100(index: int, uuid: str, minor: int, *instances: str) -> Gpu:
    parts = tuple(GpuInstance(name, f"MIG-0d6e1d5c-000{name}", 14) for name in instances)
    bus = f"0000:{'21' if index == 0 else '81'}:00.0"
    return Gpu(
        "nvidia",
        index,
        uuid,
        bus,
        minor,
        "A100",
        "535",
        "mig" if parts else "none",
        108,
        2**35,
        parts,
    )


ONE, TWO = "GPU-5c1f0b6e-0001", "GPU-5c1f0b6e-0002"
MIG = [a100(0, ONE, 1, "3", "4", "5", "6"), a100(1, TWO, 0)]

# Index and minor differ, as on many boards.
_BUSES = ("1b", "43", "52", "61", "9d", "c3", "d1", "df")
H100 = [
    Gpu(
        "nvidia",
        n,
        f"GPU-7d2b11aa-000{n}",
        f"0000:{bus}:00.0",
        (n + 4) % 8,
        mode="none",
        compute_units=132,
    )
    for n, bus in enumerate(_BUSES)
]

MINORS = """\
config 1
monitor 2
gpu1/gi3/access 165
gpu1/gi3/ci0/access 166
gpu1/gi4/access 174
gpu1/gi4/ci0/access 175
gpu1/gi5/access 183
gpu1/gi5/ci0/access 184
gpu1/gi6/access 192
gpu1/gi6/ci0/access 193
"""
