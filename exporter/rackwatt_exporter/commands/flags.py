"""Flags that several commands share, spelt as in Prometheus' own programs."""

import argparse
from pathlib import Path

from rackwatt_crds.cli.logs import log_to_stderr
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.shard import WHOLE, Shard, parse_shard


def add_secrets(parser: argparse.ArgumentParser) -> None:
    """Add the directory of Secrets."""
    parser.add_argument(
        "--secrets.directory",
        dest="secrets_directory",
        metavar="DIR",
        type=Path,
        default=Path("/etc/rackwatt/secrets"),
        help="directory of Secrets: one folder each, one file per key (default: %(default)s)",
    )


def add_shard(parser: argparse.ArgumentParser) -> None:
    """Add the shard of this process."""
    parser.add_argument(
        "--shard",
        metavar="I/N",
        type=_shard,
        default=WHOLE,
        help="part I of N of the targets to poll (default: %(default)s)",
    )


def _shard(text: str) -> Shard:
    try:
        return parse_shard(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_host(parser: argparse.ArgumentParser) -> None:
    """Add the name of this machine, and the paths of its kernel's file systems."""
    here = HostPaths()
    parser.add_argument(
        "--node.name",
        dest="node_name",
        metavar="NAME",
        default=here.node,
        help="name of this machine in the scheduler (default: %(default)s)",
    )
    parser.add_argument(
        "--path.sysfs",
        dest="sysfs",
        metavar="DIR",
        type=Path,
        default=here.sysfs,
        help="mount point of sysfs (default: %(default)s)",
    )
    parser.add_argument(
        "--path.procfs",
        dest="procfs",
        metavar="DIR",
        type=Path,
        default=here.procfs,
        help="mount point of procfs (default: %(default)s)",
    )
    parser.add_argument(
        "--path.devfs",
        dest="devfs",
        metavar="DIR",
        type=Path,
        default=here.devfs,
        help="directory of device files (default: %(default)s)",
    )
    parser.add_argument(
        "--path.cgroupfs",
        dest="cgroups",
        metavar="DIR",
        type=Path,
        help="mount point of control groups (default: fs/cgroup below sysfs)",
    )
    parser.add_argument(
        "--path.rootfs",
        dest="rootfs",
        metavar="DIR",
        type=Path,
        default=here.rootfs,
        help="root directory of the machine, for files of its managers (default: %(default)s)",
    )


def host(arguments: argparse.Namespace) -> HostPaths:
    """Return the machine of the flags of `add_host`."""
    return HostPaths(
        arguments.node_name,
        arguments.sysfs,
        arguments.procfs,
        arguments.devfs,
        arguments.cgroups,
        arguments.rootfs,
    )


def start_logging(level: str, form: str) -> None:
    """Log to standard error."""
    log_to_stderr(level, form, ("aiohttp.access", "httpx", "httpcore", "asyncio"))
