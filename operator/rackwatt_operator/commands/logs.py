"""Logging of the operator and of its libraries."""

import asyncio
import logging
import time
from typing import Any

from rackwatt_crds.cli.logs import log_to_stderr

log = logging.getLogger(__name__)

_KOPF_EVERY_S = 30.0
_CLOSED = "the handler is closed"
_QUIET = ("aiohttp.access", "asyncio", "urllib3", "kubernetes")


def start_logging(level: str, form: str) -> None:
    """Log to standard error from now on."""
    handler = log_to_stderr(level, form, _QUIET)
    # kopf logs every event, and at debug its content, and warns of intended settings.
    logging.getLogger("kopf").setLevel(max(logging.ERROR, logging.root.level))
    handler.addFilter(RateLimitFilter())


def handle_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an unhandled error of an event loop, as its exception handler.

    A response that arrives just as its request is cancelled is logged at debug level: asyncio drops
    it, uvloop reports a fatal TLS error, since reading may have to write to a closed connection.
    """
    error = context.get("exception")
    if isinstance(error, RuntimeError) and str(error).endswith(_CLOSED):
        log.debug("%s: %s", context.get("message"), error)
    else:
        loop.default_exception_handler(context)


class RateLimitFilter(logging.Filter):
    """Rate limit of kopf's messages: one line per watch every 30 seconds.

    While an API server is unreachable each of a dozen watches would log each of its tries.
    """

    def __init__(self) -> None:
        super().__init__()
        self._until_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged."""
        if not record.name.startswith("kopf"):
            return True
        record.exc_info = None
        now_s = time.monotonic()
        if now_s < self._until_s.get(record.name, 0.0):
            return False
        self._until_s[record.name] = now_s + _KOPF_EVERY_S
        return True
