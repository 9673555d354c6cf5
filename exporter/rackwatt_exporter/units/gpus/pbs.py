"""GPUs of jobs of PBS and Torque.

The cgroup hook of PBS puts UUIDs into CUDA_VISIBLE_DEVICES. Torque writes a file for each job,
which PBS_GPUFILE names: a line `HOST-gpuN` for each GPU (Torque, `Scheduling GPUs`), where N is the
index of nvidia-smi. A user may name any file there, so only a plain one of root's is opened, and no
device or pipe.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from rackwatt_exporter.units.gpus.claims import PBS_FILE, GpuClaim, job_claim

_MAX_BYTES = 64 * 1024
_LINE = re.compile(r"(?P<host>\S+)-gpu(?P<number>[0-9]{1,4})")
_ROOT = 0


def pbs_claim(environments: Iterable[Mapping[str, str]], node: str, rootfs: Path) -> GpuClaim:
    """Return what a job of PBS or Torque holds on this node, by the variables of its processes."""
    processes = list(environments)
    claim = job_claim(processes)
    named = next((path for one in processes if (path := one.get(PBS_FILE, "").strip())), "")
    if claim.names or not named:
        return claim
    try:
        text = _text(rootfs / named.lstrip("/"))
    except OSError as error:
        return GpuClaim(unread=f"PBS_GPUFILE {named} cannot be read: {error.strerror}")
    return GpuClaim(gpus_of(text, node))


def gpus_of(text: str, node: str) -> tuple[int, ...]:
    """Return the numbers of one node's GPUs in such a file."""
    found = filter(None, map(_LINE.fullmatch, text.split()))
    return tuple(dict.fromkeys(int(one["number"]) for one in found if _is_same(one["host"], node)))


def _is_same(host: str, node: str) -> bool:
    """Return whether two names are of one machine, one of them perhaps with its domain."""
    return host == node or host.startswith(f"{node}.") or node.startswith(f"{host}.")


def _text(path: Path) -> str:
    """Read a file that was looked at before it was opened: to open a device may do something."""
    looked_at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        found = os.fstat(looked_at)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != _ROOT:
            raise PermissionError(errno.EPERM, "it is not a plain file of root")
        with open(f"/proc/self/fd/{looked_at}", "rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8", "replace")
    finally:
        os.close(looked_at)
