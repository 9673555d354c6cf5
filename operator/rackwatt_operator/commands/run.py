"""`rackwatt-operator run`: reconcile PowerTargets and SchedulerBindings until SIGTERM."""

import argparse
import asyncio
import gc
import logging
import signal
from pathlib import Path

import uvloop
from aiohttp import web

from rackwatt_crds.cli.durations import duration
from rackwatt_crds.cli.listening import add_listen_address
from rackwatt_crds.cli.logs import add_logging
from rackwatt_operator import __version__
from rackwatt_operator.commands.input_files import add_defaults, namespace
from rackwatt_operator.commands.logs import handle_loop_error, start_logging
from rackwatt_operator.kube.constants import KUBERNETES_SCHEDULER

log = logging.getLogger(__name__)

PORT = 8080


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its flags."""
    parser = commands.add_parser("run", help="run the operator until SIGTERM")
    parser.add_argument(
        "--namespace",
        dest="namespaces",
        metavar="NS",
        type=namespace,
        action="append",
        default=[],
        help="namespace to watch; repeatable (default: all)",
    )
    parser.add_argument(
        "--kubeconfig",
        metavar="PATH",
        type=Path,
        help="kubeconfig file (default: service account, else KUBECONFIG or ~/.kube/config)",
    )
    add_defaults(parser)
    _add_pace(parser)
    _add_grant(parser)
    add_listen_address(parser, PORT, "address of /healthz, /readyz and /metrics")
    add_logging(parser)
    parser.set_defaults(command=command)


def _add_pace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lease.namespace",
        dest="lease_namespace",
        metavar="NS",
        type=namespace,
        help="namespace of the leader election Lease (default: the pod's own)",
    )
    parser.add_argument(
        "--lease.duration",
        dest="lease_s",
        metavar="TIME",
        type=duration,
        default=5.0,
        help="lease duration without renewal (default: 5s)",
    )
    parser.add_argument(
        "--resync.interval",
        dest="resync_s",
        metavar="TIME",
        type=duration,
        default=600.0,
        help="interval of full resyncs (default: 10m)",
    )


def _add_grant(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kubernetes-scheduler.namespace",
        dest="grant_namespaces",
        metavar="NS",
        type=namespace,
        action="append",
        default=[],
        help="namespace whose SchedulerBindings with `kubernetes` may read nodes and pods of this "
        "cluster; repeatable (default: none)",
    )
    parser.add_argument(
        "--kubernetes-scheduler.role-binding",
        dest="grant_name",
        metavar="NAME",
        default=KUBERNETES_SCHEDULER,
        help="ClusterRoleBinding that grants them that, whose subjects the operator writes "
        f"(default: {KUBERNETES_SCHEDULER})",
    )


def command(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT."""
    start_logging(arguments.log_level, arguments.log_format)
    gc.set_threshold(10_000, 10, 500)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> int:
    # kopf and the client take half a second and 40 MiB: the other commands do without.
    from rackwatt_operator.controller.api_grant import GrantScope
    from rackwatt_operator.kube.auth import ClusterCredentials, CredentialsError
    from rackwatt_operator.operator import Operator, Scope

    asyncio.get_running_loop().set_exception_handler(handle_loop_error)
    login = ClusterCredentials(arguments.kubeconfig)
    try:
        await login.renew()
    except CredentialsError as error:
        log.error("%s", error)
        return 1
    scope = Scope(
        tuple(dict.fromkeys(arguments.namespaces)),
        arguments.lease_namespace or login.namespace,
        arguments.lease_s,
        arguments.resync_s,
        GrantScope(arguments.grant_name, tuple(arguments.grant_namespaces)),
    )
    operator = Operator(login, arguments.defaults, scope)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(operator.application(), access_log=None)
    await runner.setup()
    try:
        if not await _listens(runner, *arguments.listen_address):
            return 1
        await operator.run(stop)
    finally:
        await runner.cleanup()
        await operator.close()
    log.info("stopped, released the Lease")
    return 0


async def _listens(runner: web.AppRunner, host: str, port: int) -> bool:
    try:
        await web.TCPSite(runner, host or None, port).start()
    except OSError as error:
        log.error("cannot listen on %s:%d: %s", host, port, error.strerror or error)
        return False
    for address, number, *_ in runner.addresses:
        log.info("rackwatt-operator %s listens on %s port %d", __version__, address, number)
    return True
