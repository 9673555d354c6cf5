"""Capabilities that a process of root keeps: those that something needs which it may measure.

A document may name another collector at any time, so what is kept is the union of the tables of
requirements, with what the exporter needs by itself. The bounding set stays as it is: a program
that the exporter starts, such as ipmitool, has what root has (capabilities(7)).
"""

import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from rackwatt_crds.node.unit_requirements import service_capabilities

log = logging.getLogger(__name__)

# include/uapi/linux/capability.h, in its order
_NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
    "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER "
    "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE "
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF "
    "CHECKPOINT_RESTORE"
)
NUMBERS = {name: number for number, name in enumerate(_NAMES.split())}
# Children of other users are ended, ports below 1024 bound, and the limit of descriptors raised.
_OWN = ("KILL", "NET_BIND_SERVICE", "SYS_RESOURCE")
_VERSION_3 = 0x20080522
_STATUS = Path("/proc/self/status")


def drop_capabilities() -> None:
    """Keep what is needed of the capabilities of root; it is done before any thread starts."""
    held = _held()
    kept = held & mask((*service_capabilities(), *_OWN))
    if os.getuid() != 0 or kept == held:
        return
    if _set(kept):
        names = ", ".join(name for name, number in NUMBERS.items() if kept >> number & 1)
        log.info("running as root, with these capabilities alone: %s", names or "none")


def mask(names: Iterable[str]) -> int:
    """Return the bits of capabilities."""
    return sum(1 << NUMBERS[name] for name in set(names))


def _held() -> int:
    found = re.search(r"^CapPrm:\s+([0-9a-f]+)$", _STATUS.read_text(), re.MULTILINE)
    return int(found[1], 16) if found else 0


def _set(kept: int) -> bool:
    """Set the effective and the permitted set, by capset(2); return whether that was allowed."""
    import ctypes

    words = [kept & 0xFFFFFFFF, kept >> 32]
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(words[0], words[0], 0, words[1], words[1], 0)
    return bool(ctypes.CDLL(None).capset(header, data) == 0)
