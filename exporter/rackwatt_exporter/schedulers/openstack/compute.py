"""Requests to Nova: hypervisors and servers, in the nearest microversion that a cloud has."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.openstack import nova
from rackwatt_exporter.schedulers.openstack.nova import Hypervisor, Microversion
from rackwatt_exporter.schedulers.openstack.service import Service

_ALL_PROJECTS = {"all_tenants": "True"}
_WITH_SERVERS = {"with_servers": "True"}
_PROBE, _ONE = "/flavors", {"limit": "1"}

MakeService = Callable[[Mapping[str, str]], Service]


class ComputeAnswer(NamedTuple):
    """What Nova answers; hypervisors have no amounts where `counted` is false.

    `jobs` None were not read.
    """

    hypervisors: tuple[tuple[str, Hypervisor], ...] = ()
    jobs: tuple[Job, ...] | None = None
    version: str = ""
    counted: bool = True
    unread: tuple[str, ...] = ()
    unread_jobs: int = 0

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the hypervisors, which are those of their resource providers."""
        return tuple(one.id for _, one in self.hypervisors)


class Compute:
    """Nova of one cloud. `version` None is 2.87, or the nearest that the cloud has."""

    def __init__(self, version: str | None, reads_jobs: bool) -> None:
        self._reads_jobs = reads_jobs
        self._wanted = _parsed(version) if version else None
        self._version = self._wanted

    async def read(self, make: MakeService) -> ComputeAnswer:
        """Read hypervisors and servers.

        Raises:
            ReadError: as `Service.get`.
        """
        version = self._version or await _negotiate(make)
        self._version = self._wanted  # until all is read: the next Nova may have other versions
        service = make(nova.headers(version))
        counted = version <= nova.LAST_WITH_COUNTS
        query = None if counted else _WITH_SERVERS
        found = await service.records(nova.HYPERVISORS_PATH, nova.HYPERVISORS, query)
        unread: list[str] = []
        unread_jobs: list[str] = []
        jobs = None
        if self._reads_jobs:
            servers = await service.records(nova.SERVERS_PATH, nova.SERVERS, _ALL_PROJECTS)
            jobs = tuple(nova.jobs(servers, unread_jobs))
        self._version = version
        return ComputeAnswer(
            tuple(nova.hypervisors(found, unread)),
            jobs,
            nova.version_text(version),
            counted,
            tuple(unread),
            len(unread_jobs),
        )


async def _negotiate(make: MakeService) -> Microversion:
    """Return the version to use, by a small request whose refusal names those that Nova has."""
    wanted = nova.LAST_WITH_COUNTS
    response = await make(nova.headers(wanted)).response(_PROBE, _ONE)
    found = nova.supported(response.body, wanted) if response.status == 406 else None
    return found or wanted


def _parsed(version: str) -> Microversion:
    major, minor = version.split(".")
    return int(major), int(minor)
