"""A stand-in for libnvidia-ml.so.1, compiled of tests/data/nvml: its real ABI, fed from a file."""

import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "data/nvml/fake_nvml.c"

# The node of NVIDIA's documentation: GPU 0 in MIG mode, and GPU 1 whole. Index and minor differ.
A100 = """\
driver 535.129.03
gpu 0 GPU-5c1f0b6e-0001 00000000:21:00.0 1 NVIDIA_A100-PCIE-40GB 108 40960 31120 184467440000 mig
gpu 1 GPU-5c1f0b6e-0002 00000000:81:00.0 0 NVIDIA_A100-PCIE-40GB 108 40960 34870 98765432100 full
mig 0 3 0 MIG-0d6e1d5c-0003 14 9856
mig 0 4 0 MIG-0d6e1d5c-0004 14 9856
mig 0 5 0 MIG-0d6e1d5c-0005 14 9856
mig 0 6 0 MIG-0d6e1d5c-0006 14 9856
stat 0 0 524288000 41 1410 1215 0x1 250000
stat 1 87 2147483648 63 1305 1215 0x24 250000
"""


def library(folder: Path) -> Path:
    """Compile it, and return its path."""
    made = folder / "libnvidia-ml.so.1"
    command = ("gcc", "-O1", "-shared", "-fPIC", "-o", made, SOURCE)
    subprocess.run(command, check=True)
    return made


def show(file: Path, text: str) -> None:
    """Write the file at once: the stand-in reads it at every call."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.rename(file)
