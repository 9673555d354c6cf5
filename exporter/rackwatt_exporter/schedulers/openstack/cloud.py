"""Snapshots of one cloud: a token, the endpoints of its catalog, then Ironic and Nova."""

from collections.abc import Mapping
from functools import partial

import msgspec

from rackwatt_crds.schedulers.openstack import Openstack
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.openstack import catalog, ironic, merging, placement
from rackwatt_exporter.schedulers.openstack.compute import Compute, ComputeAnswer
from rackwatt_exporter.schedulers.openstack.keystone import Keystone, Token
from rackwatt_exporter.schedulers.openstack.merging import BareMetalAnswer
from rackwatt_exporter.schedulers.openstack.names import Names
from rackwatt_exporter.schedulers.openstack.options import OpenstackOptions, openstack_options
from rackwatt_exporter.schedulers.openstack.service import Service

_POLLED = ("compute", "baremetal")
_TITLES = {"compute": "Nova", "placement": "Placement", "baremetal": "Ironic"}
_NOTHING = (
    "the cloud lists no node: the user may not see them. Ironic lists all nodes only to the role "
    "reader in the system scope (password.systemScope: all), or to the role service"
)


def openstack_scheduler(config: SchedulerConfig, secrets: Secrets) -> "Cloud":
    """Make the scheduler of a binding to a cloud."""
    assert isinstance(config.settings, Openstack)  # noqa: S101 - the registry pairs them
    options = openstack_options(config.settings)
    return Cloud(options, secrets, config.reading_timeout_s, config.reads_jobs)


class Cloud:
    """One region of a cloud. Connections, amounts and names are kept between two readings."""

    def __init__(
        self, options: OpenstackOptions, secrets: Secrets, timeout_s: float, reads_jobs: bool
    ) -> None:
        self._options = options
        self._client = partial(
            HttpClient, tls=partial(tls_parameters, options.tls, secrets), timeout_s=timeout_s
        )
        self._clients: dict[str, HttpClient] = {}
        self._keystone = Keystone(options, secrets, timeout_s)
        self._compute = Compute(options.compute_default_microversion, reads_jobs)
        self._placement = placement.Placement()
        self._users = Names("users", self._keystone)
        self._projects = Names("projects", self._keystone)

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot.

        Raises:
            ReadError: with the reason.
        """
        urls = self._urls(await self._keystone.token())
        bare_metal, answer = BareMetalAnswer(), ComputeAnswer()
        if url := urls.get("baremetal"):
            bare_metal = await self._bare_metal(url)
        if url := urls.get("compute"):
            answer = await self._compute.read(partial(self._service, "compute", url))
        amounts: Mapping[str, placement.Amounts] = {}
        if not answer.counted and (url := urls.get("placement")):
            service = self._service("placement", url, placement.HEADERS)
            amounts = await self._placement.read(service, answer.ids)
        merged = merging.merge(bare_metal, answer, amounts)
        if not merged.nodes:
            raise ReadError(Reason.BAD_REPLY, merged.note or _NOTHING)
        users = await self._users.read(job.user for job in merged.jobs or ())
        projects = await self._projects.read(job.account for job in merged.jobs or ())
        return msgspec.structs.replace(
            merged,
            cluster=self._options.region_name or "",
            jobs=merging.named(merged.jobs, users, projects),
        )

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()
        await self._keystone.close()

    async def _bare_metal(self, url: str) -> BareMetalAnswer:
        service = self._service("baremetal", url, ironic.HEADERS)
        records = await service.records(ironic.PATH, ironic.NODES, ironic.QUERY)
        unread: list[str] = []
        nodes = tuple(ironic.nodes(records, unread))
        return BareMetalAnswer(nodes, ironic.VERSION, tuple(unread))

    def _service(self, service: str, url: str, headers: Mapping[str, str]) -> Service:
        client = self._clients.get(url)
        if client is None:
            client = self._clients[url] = self._client(url)
        return Service(_TITLES[service], client, self._keystone, headers)

    def _urls(self, token: Token) -> Mapping[str, str]:
        """Return the URLs of the services to poll, and of Placement.

        Raises:
            ReadError: bad_reply where the catalog lacks them.
        """
        options = self._options
        found = {
            service: options.endpoints.get(service)
            or catalog.endpoint(token.catalog, service, options.interface, options.region_name)
            for service in _TITLES
        }
        wanted = options.services or tuple(service for service in _POLLED if found[service])
        absent = [service for service in wanted or _POLLED if not found[service]]
        if absent:
            raise catalog.missing(token.catalog, absent, options.interface, options.region_name)
        return {name: url for name in (*wanted, "placement") if (url := found[name])}
