"""`rackwatt-accounting run`: update the accounts of all clusters, and serve them."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from rackwatt_accounting import __version__
from rackwatt_accounting.api.app import build_health_app
from rackwatt_accounting.commands.flags import (
    add_documents,
    add_storage,
    database,
    resolved,
    secrets,
)
from rackwatt_accounting.service import Service
from rackwatt_accounting.storage.database import StorageError
from rackwatt_crds.cli.listening import add_listen_address, listen_address
from rackwatt_crds.cli.logs import add_logging
from rackwatt_exporter.commands.flags import start_logging
from rackwatt_exporter.commands.runtime import run as run_loop
from rackwatt_exporter.web.server import Server
from rackwatt_exporter.web.web_config_file import WebConfigError

log = logging.getLogger(__name__)

PORT = 9124


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser("run", help="update the accounts of all clusters, and serve them")
    add_documents(parser)
    add_storage(parser)
    add_listen_address(parser, PORT, "address to listen on")
    parser.add_argument(
        "--web.health-listen-address",
        dest="health_listen_address",
        metavar="HOST:PORT",
        type=listen_address,
        help="address that serves /healthz alone, without TLS, for probes (default: none)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="FILE",
        type=Path,
        help="web configuration file with TLS and users, as of exporter-toolkit (docs/web.md)",
    )
    add_logging(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    found = resolved(arguments)
    if not found.accounting:
        print("no valid document has spec.accounting", file=sys.stderr)
        return 1
    try:
        return run_loop(_serve(arguments, Service(found, database(arguments), secrets(arguments))))
    except (StorageError, ValueError) as error:
        log.error("%s", error)
        return 1


async def _serve(arguments: argparse.Namespace, service: Service) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await service.open()
    server = Server(service.app(), arguments.web_config_file)
    health = Server(build_health_app())
    try:
        await server.start(*arguments.listen_address)
        if arguments.health_listen_address:
            await health.start(*arguments.health_listen_address)
    except (OSError, WebConfigError) as error:
        log.error("cannot serve: %s", error)
        await server.close()
        await service.close()
        return 1
    host, port = server.addresses[0]
    log.info("rackwatt-accounting %s listening on %s port %d", __version__, host, port)
    tasks = [*service.tasks(), asyncio.create_task(server.watch())]
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, *tasks):
        task.cancel()
    await asyncio.gather(waiting, *tasks, return_exceptions=True)
    await server.close()
    await health.close()
    await service.close()
    for task in done - {waiting}:
        task.result()  # raises what ended it
    log.info("stopped")
    return 0
