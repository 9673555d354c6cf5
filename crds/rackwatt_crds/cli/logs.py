"""Logging to standard error: one line for each record, as logfmt or as JSON."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterable

LEVELS = ("debug", "info", "warn", "error")


def add_logging(parser: argparse.ArgumentParser, level: str = "info") -> None:
    """Add the flags `--log.level` and `--log.format`."""
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
    """Log to standard error; of the libraries in `quiet`, log only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt() if form == "logfmt" else Json())
    logging.basicConfig(
        level=logging.WARNING if level == "warn" else level.upper(), handlers=[handler], force=True
    )
    for library in quiet:
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))
    return handler


class Logfmt(logging.Formatter):
    """Formatter of records as logfmt: key=value, with quotes where necessary."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return " ".join(f"{key}={_quoted(value)}" for key, value in _fields(self, record).items())


class Json(logging.Formatter):
    """Formatter of records as JSON objects."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return json.dumps(_fields(self, record), ensure_ascii=False)


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, str]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    package, _, component = record.name.partition(".")
    fields = {
        "ts": f"{stamp}.{int(record.msecs):03d}Z",
        "level": "warn" if record.levelname == "WARNING" else record.levelname.lower(),
        "component": component if package.startswith("rackwatt_") else record.name,
        "msg": record.getMessage(),
    }
    if node := getattr(record, "node", None):
        fields["node"] = str(node)
    if record.exc_info:
        fields["trace"] = formatter.formatException(record.exc_info)
    return fields


def _quoted(value: str) -> str:
    printable = value.isprintable()  # text of a BMC could otherwise control the reader's terminal
    plain = printable and value and not any(c in value for c in ' "=')
    return value if plain else json.dumps(value, ensure_ascii=not printable)
