"""`rackwatt-operator run`: reconcile what documents ask for, until told to stop."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from rackwatt_operator.commands.given import UnreadableError, given_defaults
from rackwatt_operator.operator import Operator
from rackwatt_operator.cluster.login import Login, LoginError

log = logging.getLogger(__name__)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser("run", help="reconcile what documents ask for")
    parser.add_argument("--namespace", dest="namespaces", action="append", default=[])
    parser.add_argument("--kubeconfig", type=Path)
    parser.add_argument("--defaults.file", dest="defaults_file", type=Path)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO)
    for library in ("kopf", "kopf.objects", "aiohttp.access"):
        logging.getLogger(library).setLevel(logging.WARNING)
    return asyncio.run(_run(arguments))


async def _run(arguments):
    defaults = given_defaults(arguments.defaults_file)
    login = Login(arguments.kubeconfig)
    await login.renew()
    op = Operator(login, arguments.namespaces, defaults)
    stop = asyncio.Event()

    def signals():
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)

    signals()
    await op.run(stop, signals)
    return 0
