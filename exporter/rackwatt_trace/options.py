"""Options of the wrapper, from its flags and from the environment of a job.

A mistake in a flag ends the wrapper, as one in any command does. A mistake in the environment does
not: the job runs without a trace, and a warning says why. No option holds a token.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from rackwatt_trace import __version__
from rackwatt_trace.job import JobContext, job_context

DEFAULT_INTERVAL_S = 5.0
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.1, 3600.0
_PORTS = {"http": 80, "https": 443}
_ENDPOINT = re.compile(
    r"(?:(?P<scheme>https?)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?"
)


T = TypeVar("T")


class Endpoint(NamedTuple):
    """Where reports are sent."""

    scheme: str
    host: str
    port: int
    path: str


class Options(NamedTuple):
    """What to run, and how to report it; `endpoint` is None where reports are not sent."""

    command: Sequence[str]
    job: JobContext
    endpoint: Endpoint | None
    interval_s: float
    token_file: str | None
    ca_file: str | None
    client_certificate: str | None
    dry_run: bool
    verbose: bool
    warnings: Sequence[str]

    @property
    def traces(self) -> bool:
        """Whether there is anything to report, and somewhere to report it."""
        return bool(self.job.id) and (self.dry_run or self.endpoint is not None)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Parse the command line; a mistake in it ends the process with status 2."""
    given = _parser().parse_args(arguments)
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not command:
        _parser().error("no command is given: rackwatt-trace -- COMMAND…")
    warnings: list[str] = []
    endpoint = given.endpoint
    if endpoint is None and not given.dry_run:
        endpoint = _environment_endpoint(environment, warnings)
    job = job_context(environment)
    if given.jobid:
        job = job._replace(id=given.jobid)
    if not job.id:
        warnings.append("running without a trace: no job id (SLURM_JOB_ID or --jobid)")
    return Options(
        command,
        job,
        endpoint,
        given.sample_rate or _environment_interval_s(environment, warnings),
        given.token_file or environment.get("RACKWATT_TRACE_TOKEN_FILE"),
        given.ca_file,
        given.client_cert,
        given.dry_run,
        given.verbose,
        warnings,
    )


def parse_endpoint(text: str) -> Endpoint:
    """Parse a URL, or HOST:PORT as prometheus-slurm-exporter's wrapper takes it.

    Raises:
        ValueError: it is neither; the message does not repeat it, since it may have a password.
    """
    match = _ENDPOINT.fullmatch(text)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 1 <= port <= 65535):
        raise ValueError("the endpoint is no URL such as http://exporter:9123/trace")
    scheme = match["scheme"] or "http"
    path = match["path"]
    return Endpoint(
        scheme,
        match["host"].strip("[]"),
        port or _PORTS[scheme],
        "/trace" if path in (None, "/") else path,
    )


def parse_interval_s(text: str) -> float:
    """Parse a number of seconds.

    Raises:
        ValueError: it is none, or out of bounds.
    """
    try:
        interval_s = float(text)
    except ValueError:
        interval_s = 0.0
    if not MIN_INTERVAL_S <= interval_s <= MAX_INTERVAL_S:
        raise ValueError(f"the sample rate is {MIN_INTERVAL_S:g} to {MAX_INTERVAL_S:g} seconds")
    return interval_s


def _environment_endpoint(environment: Mapping[str, str], warnings: list[str]) -> Endpoint | None:
    text = environment.get("SLURM_EXPORTER", "")
    if not text:
        warnings.append("running without a trace: no endpoint (SLURM_EXPORTER or --endpoint)")
        return None
    try:
        return parse_endpoint(text)
    except ValueError as error:
        warnings.append(f"running without a trace: SLURM_EXPORTER: {error}")
        return None


def _environment_interval_s(environment: Mapping[str, str], warnings: list[str]) -> float:
    text = environment.get("SAMPLE_RATE", "")
    if not text:
        return DEFAULT_INTERVAL_S
    try:
        return parse_interval_s(text)
    except ValueError as error:
        warnings.append(f"SAMPLE_RATE: {error}; using {DEFAULT_INTERVAL_S:g}")
        return DEFAULT_INTERVAL_S


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rackwatt-trace",
        usage="%(prog)s [OPTION…] -- COMMAND…",
        description="Run a command of a job, and report what its processes use to an exporter.",
        epilog="The exit status is that of the command; 126 or 127 if it could not be executed.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rackwatt-trace {__version__}")
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        type=_checked(parse_endpoint),
        help="URL of the traces of a SchedulerBinding (default: SLURM_EXPORTER)",
    )
    parser.add_argument(
        "--sample-rate",
        metavar="SECONDS",
        type=_checked(parse_interval_s),
        help=f"time between two reports (default: SAMPLE_RATE, or {DEFAULT_INTERVAL_S:g})",
    )
    parser.add_argument(
        "--jobid", metavar="ID", help="id of the job (default: of the scheduler's environment)"
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="file with the token of reports, read again for each "
        "(default: RACKWATT_TRACE_TOKEN_FILE)",
    )
    parser.add_argument(
        "--ca-file", metavar="FILE", help="authorities of the exporter's certificate, in PEM"
    )
    parser.add_argument(
        "--client-cert", metavar="FILE", help="client certificate and its key, in one PEM file"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print reports to standard error; send none"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="print each report, and what came of it"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _checked(parse_text: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type of argparse, whose errors keep their message."""

    def check(text: str) -> T:
        try:
            return parse_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check
