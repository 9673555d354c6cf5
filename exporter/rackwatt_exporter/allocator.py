"""Large blocks of memory go back to the system when they are freed, as answers and pages are.

malloc of glibc maps a block by itself from 128 KiB on. Each time that such a block is freed, it
raises this limit to the size of it (mallopt(3), M_MMAP_THRESHOLD), up to 32 MiB: the next answer of
a scheduler then lies on the heap among small blocks, and its pages stay with the process.
"""

from functools import cache

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_LARGE_BYTES = 256 * 1024


@cache
def return_large_blocks() -> None:
    """Map each block from 256 KiB on by itself, in this process; other C libraries do not ask."""
    import ctypes  # 0.3 MiB, which a node that is measured from inside does without

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
