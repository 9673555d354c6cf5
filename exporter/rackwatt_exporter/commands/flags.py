"""The flags that several commands share, spelt as Prometheus people know them."""

import argparse
import json
import logging
import sys
import time
from pathlib import Path

from rackwatt_exporter.settings.host import Host
from rackwatt_exporter.settings.shard import WHOLE, Shard, shard

LEVELS = ("debug", "info", "warn", "error")


def add_secrets(parser: argparse.ArgumentParser) -> None:
    """Add where secrets are."""
    parser.add_argument(
        "--secrets.directory",
        dest="secrets_directory",
        metavar="DIR",
        type=Path,
        default=Path("/etc/rackwatt/secrets"),
        help="folder with one folder for each Secret, one file for each key (%(default)s)",
    )


def add_shard(parser: argparse.ArgumentParser) -> None:
    """Add which part of the targets is this process' own."""
    parser.add_argument(
        "--shard",
        metavar="I/N",
        type=_shard,
        default=WHOLE,
        help="poll the I-th of N parts of the targets (%(default)s)",
    )


def _shard(text: str) -> Shard:
    try:
        return shard(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_host(parser: argparse.ArgumentParser) -> None:
    """Add which machine this is, and where its kernel tells of it."""
    here = Host()
    parser.add_argument(
        "--node.name",
        dest="node_name",
        metavar="NAME",
        default=here.node,
        help="this machine, as the scheduler names it (%(default)s)",
    )
    parser.add_argument(
        "--path.sysfs",
        dest="sysfs",
        metavar="DIR",
        type=Path,
        default=here.sysfs,
        help="where this machine's /sys is (%(default)s)",
    )
    parser.add_argument(
        "--path.procfs",
        dest="procfs",
        metavar="DIR",
        type=Path,
        default=here.procfs,
        help="where this machine's /proc is (%(default)s)",
    )


def host(arguments: argparse.Namespace) -> Host:
    """Give the machine that the flags of add_host name."""
    return Host(arguments.node_name, arguments.sysfs, arguments.procfs)


def add_logging(parser: argparse.ArgumentParser, level: str = "info") -> None:
    """Add how much is logged, and in which form."""
    parser.add_argument(
        "--log.level", dest="log_level", choices=LEVELS, default=level, help="(%(default)s)"
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
    for library in ("aiohttp.access", "httpx", "httpcore", "asyncio"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.root.level))


class _Fields(logging.Formatter):
    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        told = {
            "ts": f"{stamp}.{int(record.msecs):03d}Z",
            "level": "warn" if record.levelname == "WARNING" else record.levelname.lower(),
            "room": record.name.removeprefix("rackwatt_exporter."),
            "msg": record.getMessage(),
        }
        if node := getattr(record, "node", None):
            told["node"] = str(node)
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
