"""Bytes under the name of a file that is on no disk.

OpenSSL, through Python, reads certificates and keys from files alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(content: bytes) -> Iterator[str]:
    """Name a file that holds `content` while the block lasts."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
