"""HTCondor as its commands report it: condor_status for the slots, condor_q for the jobs."""

import asyncio
import re

from rackwatt_crds.schedulers import htcondor as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.schedulers.commands import CommandEnvironment, Run
from rackwatt_exporter.schedulers.htcondor import jobs, slots
from rackwatt_exporter.schedulers.json_commands import (
    Jobs,
    JsonCommands,
    JsonScheduler,
    Nodes,
    json_scheduler,
)

# Where HTCondor's configuration is.
VARIABLES = ("CONDOR_CONFIG",)
STATUS = ("-json", "-attributes", ",".join(slots.ATTRIBUTES))
QUEUE = ("-allusers", "-json", "-attributes", ",".join(jobs.ATTRIBUTES))
FAILURES = (
    ("authentication", Reason.AUTH_FAILED),
    ("denied", Reason.PRIVILEGE_INSUFFICIENT),
    ("timed out", Reason.TIMEOUT),
    ("contact the condor_collector", Reason.UNREACHABLE),
    ("failed to connect", Reason.UNREACHABLE),
    ("find address", Reason.UNREACHABLE),
    ("failed to fetch ads", Reason.UNREACHABLE),
)
_VERSION = re.compile(rb"\$CondorVersion: ([0-9][0-9A-Za-z._-]{0,38})")


def htcondor_scheduler(config: SchedulerConfig, secrets: Secrets) -> JsonScheduler:
    """Make the scheduler of a binding to HTCondor."""
    settings = config.settings
    assert isinstance(settings, crd.HTCondor)  # noqa: S101 - the registry pairs them
    return json_scheduler(COMMANDS, (settings.cli, settings.ssh), config, secrets)


async def _nodes(run: Run) -> Nodes:
    return await asyncio.to_thread(slots.parse_nodes, await run("condor_status", *STATUS))


async def _jobs(run: Run) -> Jobs:
    return await asyncio.to_thread(jobs.parse_jobs, await run("condor_q", *QUEUE))


async def _version(run: Run) -> str:
    return parse_version(await run("condor_version"))


def parse_version(output: bytes) -> str:
    """Return the version that condor_version prints; empty where there is none."""
    match = _VERSION.search(output)
    return match[1].decode() if match else ""


COMMANDS = JsonCommands(
    "HTCondor", CommandEnvironment(VARIABLES), _nodes, _jobs, _version, FAILURES
)
