"""The variables of one process: /proc/PID/environ (proc(5)), or the memory that it shows.

The file is for the process' own user. A process with CAP_SYS_PTRACE and nothing else may not open
it: that takes CAP_DAC_READ_SEARCH, with which it could read every file of the machine. But it may
read the memory (process_vm_readv(2)), and the end of /proc/PID/stat says where that is.

Names of variables are compared as a whole: users have variables of their own that contain them. An
entry without "=" says nothing.
"""

import os
from collections.abc import Iterable
from pathlib import Path

_MAX_BYTES = 1 << 20
_START, _END = 48, 49  # fields 50 and 51 of proc(5), env_start and env_end, counted from 2


def environ(process: Path) -> bytes:
    """Return the variables of a process in /proc.

    Raises:
        PermissionError: they may not be read.
        OSError: it has ended.
    """
    try:
        with open(process / "environ", "rb", buffering=0) as file:
            return file.read(_MAX_BYTES)
    except PermissionError:
        return _from_memory(process)


def variables(environ: bytes, names: Iterable[str]) -> dict[str, str]:
    """Return the variables with these names of a process."""
    wanted = {name.encode(): name for name in names}
    found: dict[str, str] = {}
    for entry in environ.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name in wanted:
            found.setdefault(wanted[name], value.decode("utf-8", "replace"))
    return found


def _from_memory(process: Path) -> bytes:
    with open(process / "stat", "rb", buffering=0) as file:
        # The name, in brackets, may have blanks and brackets itself.
        fields = file.read(4096).rpartition(b")")[2].split()
    if len(fields) <= _END - 1:
        raise PermissionError(f"{process}/stat does not say where its variables are")
    start, end = int(fields[_START - 1]), int(fields[_END - 1])
    if not 0 < start < end:  # 0 is shown to those who may not know
        raise PermissionError(f"{process}/stat does not say where its variables are")
    return _memory(int(process.name), start, min(end - start, _MAX_BYTES))


def _memory(pid: int, start: int, length: int) -> bytes:
    """Read the memory of a process; a struct iovec is an address and a length."""
    import ctypes  # not where the file may be opened

    buffer = ctypes.create_string_buffer(length)
    vector = ctypes.c_size_t * 2
    here, there = vector(ctypes.addressof(buffer), length), vector(start, length)
    read = ctypes.CDLL(None, use_errno=True).process_vm_readv
    read.restype = ctypes.c_ssize_t
    number = read(pid, here, ctypes.c_ulong(1), there, ctypes.c_ulong(1), ctypes.c_ulong(0))
    if number < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"process {pid}")  # EPERM is a PermissionError
    return buffer.raw[:number]
