"""What is logged, and in which form; the exporter logs alike."""

import argparse
import json
import logging
import sys
import time

LEVELS = ("debug", "info", "warn", "error")
_KOPF_EVERY_S = 30.0
_QUIET = ("aiohttp.access", "asyncio", "urllib3", "kubernetes")


def add_logging(parser: argparse.ArgumentParser) -> None:
    """Add how much is logged, and in which form."""
    parser.add_argument(
        "--log.level", dest="log_level", choices=LEVELS, default="info", help="(%(default)s)"
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=("logfmt", "json"),
        default="logfmt",
        help="(%(default)s)",
    )


def start_logging(level: str, form: str) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Logfmt() if form == "logfmt" else _Json())
    logging.basicConfig(
        level=logging.WARNING if level == "warn" else level.upper(), handlers=[handler], force=True
    )
    for library in _QUIET:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    # kopf tells of every event, at debug of what is in it, and warns of what is meant to be so.
    logging.getLogger("kopf").setLevel(max(logging.ERROR, logging.root.level))
    handler.addFilter(_Sparing())


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


class _Fields(logging.Formatter):
    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told = {
            "ts": f"{stamp}.{int(record.msecs):03d}Z",
            "level": "warn" if record.levelname == "WARNING" else record.levelname.lower(),
            "room": record.name.removeprefix("rackwatt_operator."),
            "msg": record.getMessage(),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return told


class _Logfmt(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_quoted(value)}" for key, value in self.fields(record).items())


class _Json(_Fields):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), ensure_ascii=False)


def _quoted(value: str) -> str:
    plain = value and not any(c in value for c in ' "=') and value.isprintable()
    return value if plain else json.dumps(value, ensure_ascii=False)
