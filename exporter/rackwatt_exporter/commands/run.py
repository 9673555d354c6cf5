"""`rackwatt-exporter run`: poll the configured targets and serve their metrics."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

from rackwatt_crds.cli.durations import duration
from rackwatt_crds.cli.listening import add_listen_address, listen_address
from rackwatt_crds.cli.logs import add_logging
from rackwatt_crds.cli.loop_lag import LoopLagMonitor
from rackwatt_crds.document import PowerTarget
from rackwatt_crds.tracing import FOLDERS, PAGES
from rackwatt_exporter import __version__
from rackwatt_exporter.commands.capabilities import drop_capabilities
from rackwatt_exporter.commands.flags import (
    add_host,
    add_secrets,
    add_shard,
    host,
    start_logging,
)
from rackwatt_exporter.commands.runtime import run
from rackwatt_exporter.config import files
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.schedulers.views.slurm_families import PROFILE
from rackwatt_exporter.store.ledger_file import RETENTION_S
from rackwatt_exporter.web.app import WebApp, build_health_app
from rackwatt_exporter.web.middleware.request_limit import MAX_REQUESTS
from rackwatt_exporter.web.server import Limits, Server
from rackwatt_exporter.web.web_config_file import WebConfigError

log = logging.getLogger(__name__)

PORT = 9123
DEFAULT_CONFIG = Path("/etc/rackwatt")
CEEMS_VERSIONS = ("0.5", "0.10")
_MAX_NODE_BYTES = 64 * 1024


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser(
        "run", help="poll the targets of the documents and serve their metrics"
    )
    parser.add_argument(
        "--config.file",
        dest="config_files",
        metavar="PATH",
        type=Path,
        action="append",
        help="document file, or directory of them; repeatable (default: /etc/rackwatt)",
    )
    add_secrets(parser)
    add_shard(parser)
    parser.add_argument(
        "--state.directory",
        dest="state_directory",
        metavar="DIR",
        type=Path,
        help="directory that keeps energy counters across restarts (default: none)",
    )
    parser.add_argument(
        "--state.retention",
        dest="retention_s",
        metavar="DURATION",
        type=duration,
        default=RETENTION_S,
        help="retention of the energy counters of removed targets (default: 30d)",
    )
    add_host(parser)
    _add_web(parser)
    parser.add_argument(
        "--profile.power-exporter",
        dest="power_exporter",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="serve node_power_usage, as power-exporter does",
    )
    parser.add_argument(
        "--profile.slurm-exporter",
        dest="slurm_exporter",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="serve slurm_* of each Slurm, as prometheus-slurm-exporter does",
    )
    parser.add_argument(
        "--profile.ceems",
        dest="ceems",
        metavar="VERSION",
        choices=CEEMS_VERSIONS,
        help="serve the node as ceems_exporter of this version does, 0.5 or 0.10 (default: none)",
    )
    parser.add_argument(
        "--profile.batchjob",
        dest="batchjob",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="serve the node as batchjob_exporter does",
    )
    add_logging(parser)
    parser.set_defaults(command=command)


def _add_web(parser: argparse.ArgumentParser) -> None:
    add_listen_address(parser, PORT, "address to listen on")
    parser.add_argument(
        "--web.health-listen-address",
        dest="health_listen_address",
        metavar="HOST:PORT",
        type=listen_address,
        help="address that serves /healthz alone, without TLS, for probes (default: none)",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        type=telemetry_path,
        default="/metrics",
        help="path of the metrics (default: %(default)s)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        type=Path,
        help="web configuration file with TLS and users, as of exporter-toolkit (docs/web.md)",
    )
    parser.add_argument(
        "--web.max-requests",
        dest="max_requests",
        metavar="N",
        type=count,
        default=MAX_REQUESTS,
        help="maximum number of concurrent requests, 0 for no limit (default: %(default)s)",
    )
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="lifecycle",
        action="store_true",
        help="enable POST /-/reload of documents and web configuration",
    )


def command(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    drop_capabilities()
    paths = arguments.config_files or [DEFAULT_CONFIG]
    return run(_serve(arguments, paths), has_connections=not measures_nodes_alone(paths))


def telemetry_path(text: str) -> str:
    """Parse the path of the metrics."""
    if not text.startswith("/") or "{" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a path: it must begin with /")
    if text in set(PAGES) - {"/", "/metrics"} or text.startswith(FOLDERS):
        raise argparse.ArgumentTypeError(f"{text!r} is the path of another page")
    return text


def count(text: str) -> int:
    """Parse a whole number, 0 or more."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 or more")
    return int(text)


def profiles(arguments: argparse.Namespace) -> list[str]:
    """Return the profiles that the flags leave enabled."""
    chosen = {
        "power-exporter": arguments.power_exporter,
        PROFILE: arguments.slurm_exporter,
        "batchjob": arguments.batchjob,
    }
    served = [profile for profile, is_served in chosen.items() if is_served]
    return [*served, f"ceems-{arguments.ceems}"] if arguments.ceems else served


def measures_nodes_alone(paths: Sequence[Path]) -> bool:
    """Return whether the documents name neither a BMC nor a scheduler.

    Large ones always do, and are not read twice for this.
    """
    if sum(size for _, _, size, _ in files.fingerprint(paths)) > _MAX_NODE_BYTES:
        return False
    documents = [one.document for one in files.load_documents(paths) if not one.note]
    return bool(documents) and all(
        isinstance(one, PowerTarget) and one.spec.bmc is None for one in documents
    )


async def _serve(arguments: argparse.Namespace, paths: Sequence[Path]) -> int:
    exporter = Exporter(
        paths,
        Secrets(arguments.secrets_directory),
        state_directory=arguments.state_directory,
        profiles=profiles(arguments),
        shard=arguments.shard,
        host=host(arguments),
        retention_s=arguments.retention_s,
    )
    lag_monitor = LoopLagMonitor()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = _build_server(arguments, exporter, lag_monitor)
    if not await _listens(server, f"rackwatt-exporter {__version__}", arguments.listen_address):
        return 1
    health = Server(build_health_app())
    probe_address = arguments.health_listen_address
    if probe_address and not await _listens(health, "/healthz", probe_address):
        return 1
    loop.add_signal_handler(signal.SIGHUP, exporter.reload_requested.set)
    await exporter.reload()
    tasks = [
        asyncio.create_task(work)
        for work in (
            exporter.watch(),
            exporter.save_periodically(),
            exporter.history.run(),
            lag_monitor.run(),
            server.watch(),
        )
    ]
    await _until_stopped(stop, tasks)
    await server.close()
    await health.close()
    await exporter.close()
    log.info("stopped: sessions closed%s", ", counters kept" if arguments.state_directory else "")
    return 0


def _build_server(
    arguments: argparse.Namespace, exporter: Exporter, lag_monitor: LoopLagMonitor
) -> Server:
    async def reload() -> list[str]:
        problems = await server.reload()
        await exporter.reload()
        return [*problems, *exporter.fleet.problems]

    app = WebApp(
        exporter, lag_monitor, arguments.telemetry_path, reload if arguments.lifecycle else None
    )
    limits = Limits(requests=arguments.max_requests)
    server = Server(app.build(), arguments.web_config_file, limits)
    return server


async def _listens(server: Server, name: str, address: tuple[str, int]) -> bool:
    try:
        await server.start(*address)
    except WebConfigError as error:
        for problem in error.problems:
            log.error("%s", problem)
        return False
    except OSError as error:
        log.error("cannot listen on %s:%d: %s", *address, error.strerror or error)
        return False
    for bound in server.addresses:
        log.info("%s listens on %s port %d", name, *bound)
    return True


async def _until_stopped(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for a signal, or for a task that fails; raise the error of the task."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    for task in (waiting, *tasks):
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
