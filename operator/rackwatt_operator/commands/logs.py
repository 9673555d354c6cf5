"""What is logged of what libraries have to say."""

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
    # kopf tells of every event, at debug of what is in it, and warns of what is meant to be so.
    logging.getLogger("kopf").setLevel(max(logging.ERROR, logging.root.level))
    handler.addFilter(_Sparing())


def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what has gone wrong in a loop, as its exception handler.

    Not that an answer came just as its question was given up: asyncio drops it, uvloop takes it for
    a fatal error of TLS, since what reads it may have to write on a connection that is closed.
    """
    error = context.get("exception")
    if isinstance(error, RuntimeError) and str(error).endswith(_CLOSED):
        log.debug("%s: %s", context.get("message"), error)
    else:
        loop.default_exception_handler(context)


class _Sparing(logging.Filter):
    """Lets kopf say the same thing of each watch once in a while, in one line.

    While an API server is away each of a dozen watches would tell of each of its tries.
    """

    def __init__(self) -> None:
        super().__init__()
        self._until_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("kopf"):
            return True
        record.exc_info = None
        now_s = time.monotonic()
        if now_s < self._until_s.get(record.name, 0.0):
            return False
        self._until_s[record.name] = now_s + _KOPF_EVERY_S
        return True
