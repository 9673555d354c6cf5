"""The machine this exporter runs on, and where its kernel tells of it.

In a container the node's own `/sys` and `/proc` are mounted elsewhere: a container's are masked.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostPaths:
    """`node` is its name, as the scheduler has it."""

    node: str = field(default_factory=lambda: os.uname().nodename)
    sysfs: Path = Path("/sys")
    procfs: Path = Path("/proc")
