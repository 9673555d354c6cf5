"""What is logged, and in which form: a line for each record, as logfmt or as JSON."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterable

LEVELS = ("debug", "info", "warn", "error")


def add_logging(parser: argparse.ArgumentParser, level: str = "info") -> None:
    """Add how much is logged, and in which form."""
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=LEVELS,
        default=level,
        help="lowest level that is logged (default: %(default)s)",
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=("logfmt", "json"),
        default="logfmt",
        help="format of log lines (default: %(default)s)",
    )


def log_to_stderr(level: str, form: str, quiet: Iterable[str]) -> logging.Handler:
    """Log to standard error from now on, of the libraries in `quiet` warnings alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt() if form == "logfmt" else Json())
    logging.basicConfig(
        level=logging.WARNING if level == "warn" else level.upper(), handlers=[handler], force=True
    )
    for library in quiet:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    return handler


class Logfmt(logging.Formatter):
    """Keys and values, these in quotes where they need them."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in _told(self, record).items())


class Json(logging.Formatter):
    """An object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return json.dumps(_told(self, record), ensure_ascii=False)


def _told(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, str]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    package, _, room = record.name.partition(".")
    told = {
        "ts": f"{stamp}.{int(record.msecs):03d}Z",
        "level": "warn" if record.levelname == "WARNING" else record.levelname.lower(),
        "room": room if package.startswith("rackwatt_") else record.name,
        "msg": record.getMessage(),
    }
    if node := getattr(record, "node", None):
        told["node"] = str(node)
    if record.exc_info:
        told["trace"] = formatter.formatException(record.exc_info)
    return told


def _quoted(value: str) -> str:
    printable = value.isprintable()  # else a BMC's words could move the cursor of who reads them
    plain = printable and value and not any(c in value for c in ' "=')
    return value if plain else json.dumps(value, ensure_ascii=not printable)
