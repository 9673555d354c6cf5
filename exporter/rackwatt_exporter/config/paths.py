"""Paths of the host's `/sys`, `/proc`, `/dev`, control groups and root, and its name.

In a container the host's are mounted at other paths, since those of the container are masked.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The machine that the exporter runs on; `node` is its name as the scheduler has it."""

    node: str = field(default_factory=lambda: os.uname().nodename)
    sysfs: Path = Path("/sys")
    procfs: Path = Path("/proc")
    devfs: Path = Path("/dev")
    cgroups: Path | None = None
    rootfs: Path = Path("/")

    @property
    def cgroupfs(self) -> Path:
        """Where control groups are mounted, of either version."""
        return self.cgroups or self.sysfs / "fs/cgroup"
