"""Flux as its command reports it: `flux resource` for the nodes, `flux jobs` for the jobs."""

import asyncio
import re

from rackwatt_crds.schedulers import flux as crd
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.schedulers.commands import CommandEnvironment, Run
from rackwatt_exporter.schedulers.flux import jobs, resources
from rackwatt_exporter.schedulers.json_commands import (
    Jobs,
    JsonCommands,
    JsonScheduler,
    Nodes,
    json_scheduler,
)

# Which instance of Flux.
VARIABLES = ("FLUX_URI",)
JOBS = ("jobs", "-A", "--json")
FAILURES = (
    ("permission", Reason.PRIVILEGE_INSUFFICIENT),
    ("not permitted", Reason.PRIVILEGE_INSUFFICIENT),
    ("unable to connect to flux", Reason.UNREACHABLE),
    ("flux_open", Reason.UNREACHABLE),
    ("connection refused", Reason.UNREACHABLE),
)
_VERSION = re.compile(rb"\bcommands:\s*([0-9][0-9A-Za-z._-]{0,38})")


def flux_scheduler(config: SchedulerConfig, secrets: Secrets) -> JsonScheduler:
    """Make the scheduler of a binding to Flux."""
    settings = config.settings
    assert isinstance(settings, crd.Flux)  # noqa: S101 - the registry pairs them
    return json_scheduler(COMMANDS, (settings.cli, settings.ssh), config, secrets)


async def _nodes(run: Run) -> Nodes:
    scheduled = await run("flux", "resource", "list", *resources.LIST)
    administered = await run("flux", "resource", "status", *resources.STATUS)
    return resources.parse_nodes(scheduled, administered)


async def _jobs(run: Run) -> Jobs:
    return await asyncio.to_thread(jobs.parse_jobs, await run("flux", *JOBS))


async def _version(run: Run) -> str:
    return parse_version(await run("flux", "version"))


def parse_version(output: bytes) -> str:
    """Return the version of the commands; empty where there is none."""
    match = _VERSION.search(output)
    return match[1].decode() if match else ""


COMMANDS = JsonCommands("Flux", CommandEnvironment(VARIABLES), _nodes, _jobs, _version, FAILURES)
