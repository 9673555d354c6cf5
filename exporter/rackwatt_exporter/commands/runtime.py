"""Runtime of every command: event loop, descriptor limit and garbage collector.

uvloop serves thousands of connections for less. It loads OpenSSL, which an exporter with hardly any
connection does without (docs/decisions/0027-openssl-on-demand.md).
"""

import asyncio
import gc
import logging
import resource
from collections.abc import Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

# A large fleet has millions of long-lived objects: a full collection for 50,000 targets blocks the
# loop for a second, by default every few seconds. Readings are freed by reference counting.
_COLLECTOR_THRESHOLDS = (10_000, 10, 500)


def run(main: Coroutine[Any, Any, T], has_connections: bool = True) -> T:
    """Run a coroutine: on uvloop, or on asyncio's own loop where it has hardly any connection."""
    _raise_descriptor_limit()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    if not has_connections:
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


def _raise_descriptor_limit() -> None:
    """Raise the soft limit: Redfish and SNMP need a descriptor per target, 1024 is usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        log.debug("descriptor limit raised from=%d to=%d", soft, hard)
