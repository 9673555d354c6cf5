"""LSF as its commands report it: bhosts for the hosts, bjobs for the jobs.

LSF prints JSON only with columns of one's own (`-o`), and every value in it is text.
"""

import asyncio
import re
from dataclasses import replace

from rackwatt_crds.schedulers import lsf as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.schedulers.commands import CommandEnvironment, Run
from rackwatt_exporter.schedulers.json_commands import (
    Jobs,
    JsonCommands,
    JsonScheduler,
    Nodes,
    json_scheduler,
)
from rackwatt_exporter.schedulers.lsf import hosts, jobs

# Where LSF is.
VARIABLES = ("LSF_ENVDIR", "LSF_LIBDIR", "LSF_SERVERDIR", "LSF_BINDIR")
# What changes the commands' output.
OBEYED = ("LSB_BHOSTS_FORMAT", "LSB_BJOBS_FORMAT")
BHOSTS = ("-o", " ".join(hosts.COLUMNS), "-json")
BJOBS = ("-u", "all", "-o", " ".join(jobs.COLUMNS), "-json")
FAILURES = (
    ("permission denied", Reason.PRIVILEGE_INSUFFICIENT),
    ("cannot connect to lsf", Reason.UNREACHABLE),
    ("is down", Reason.UNREACHABLE),  # LSF, or LIM
    ("not responding", Reason.UNREACHABLE),
)
_NO_JOB = "no unfinished job found"
_VERSION = re.compile(rb"\bLSF\b[^\n]*?\b([0-9]+(?:\.[0-9]+){1,5})\b")


def lsf_scheduler(config: SchedulerConfig, secrets: Secrets) -> JsonScheduler:
    """Make the scheduler of a binding to LSF."""
    settings = config.settings
    assert isinstance(settings, crd.Lsf)  # noqa: S101 - the registry pairs them
    named = () if settings.envdir is None else (f"LSF_ENVDIR={settings.envdir}",)
    environment = CommandEnvironment(VARIABLES, OBEYED, named)
    commands = replace(COMMANDS, environment=environment)
    return json_scheduler(commands, (settings.cli, settings.ssh), config, secrets)


async def _nodes(run: Run) -> Nodes:
    return await asyncio.to_thread(hosts.parse_nodes, await run("bhosts", *BHOSTS))


async def _jobs(run: Run) -> Jobs:
    try:
        output = await run("bjobs", *BJOBS)
    except CommandError as error:
        if _NO_JOB in error.stderr.lower():
            return Jobs(())
        raise
    return await asyncio.to_thread(jobs.parse_jobs, output)


async def _version(run: Run) -> str:
    return parse_version(await run("lsid"))


def parse_version(output: bytes) -> str:
    """Return the version that lsid prints; empty where there is none."""
    match = _VERSION.search(output)
    return match[1].decode()[:40] if match else ""


COMMANDS = JsonCommands("LSF", CommandEnvironment(VARIABLES), _nodes, _jobs, _version, FAILURES)
