"""What every command runs in: the event loop, and what a large fleet needs of the process."""

import gc
import logging
import resource
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

log = logging.getLogger(__name__)

T = TypeVar("T")

# A fleet is millions of objects that stay: a look through those of 50,000 targets stops the loop
# for a second, and by default comes every few. What a reading leaves behind is freed without.
_COLLECTOR_THRESHOLDS = (10_000, 10, 500)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on uvloop, on which all that is here was measured."""
    _raise_descriptor_limit()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    return uvloop.run(main)


def _raise_descriptor_limit() -> None:
    """Take what may be had: Redfish and SNMP hold one for each target, and 1024 is the custom."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        log.debug("descriptor limit raised from %d to %d", soft, hard)
