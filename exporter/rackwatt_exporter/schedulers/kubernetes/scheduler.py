"""Kubernetes as a scheduler: its nodes and pods as they are now, from two watches.

Each read requests the version of the API server, on a connection of its own: it shows that the API
server answers now and accepts the token, which a watch would not.
"""

from collections.abc import Mapping

import msgspec

from rackwatt_crds.schedulers.kubernetes import Kubernetes
from rackwatt_exporter import __version__
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.kubernetes.credentials import ApiServer, api_server
from rackwatt_exporter.schedulers.kubernetes.errors import refusal
from rackwatt_exporter.schedulers.kubernetes.nodes import NodeRecord, node_record
from rackwatt_exporter.schedulers.kubernetes.objects import Node, Pod
from rackwatt_exporter.schedulers.kubernetes.pods import PodRecord, pod_record
from rackwatt_exporter.schedulers.kubernetes.snapshot import snapshot
from rackwatt_exporter.schedulers.kubernetes.watch import SILENCE_S, Watch
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

VERSION = "/version"
_HEADERS = {
    "Accept": "application/json",
    # Within a cluster, to compress costs the API server more than to send.
    "Accept-Encoding": "identity",
    "User-Agent": f"rackwatt-exporter/{__version__}",
}
_NODE, _POD = msgspec.json.Decoder(Node), msgspec.json.Decoder(Pod)


class _Version(msgspec.Struct):
    git: str = msgspec.field(default="", name="gitVersion")


def kubernetes_scheduler(config: SchedulerConfig, secrets: Secrets) -> "KubernetesScheduler":
    """Make the scheduler of a binding to Kubernetes."""
    settings = config.settings
    assert isinstance(settings, Kubernetes)  # noqa: S101 - the registry pairs them
    server = api_server(settings, secrets)
    return KubernetesScheduler(server, config.reading_timeout_s, settings.user_label)


class KubernetesScheduler:
    """One cluster. The snapshot stays the same object while nothing changes."""

    def __init__(
        self,
        server: ApiServer,
        timeout_s: float,
        user_label: str | None = None,
        silence_s: float = SILENCE_S,
    ) -> None:
        def node(raw: msgspec.Raw) -> NodeRecord:
            return node_record(_NODE.decode(raw))

        def pod(raw: msgspec.Raw) -> PodRecord:
            return pod_record(_POD.decode(raw), user_label)

        self._server = server
        self._client = HttpClient(server.url, server.tls, timeout_s)
        self._nodes = Watch(server, "nodes", node, timeout_s, self._headers, silence_s)
        self._pods = Watch(server, "pods", pod, timeout_s, self._headers, silence_s)
        self._last: tuple[tuple[int, int, str], SchedulerSnapshot] | None = None

    async def read(self) -> SchedulerSnapshot:
        """Return what the API server has now.

        Raises:
            ReadError: with the reason.
        """
        if not self._server.url:
            message = "this is no pod of a cluster: kubernetes.url must name an API server"
            raise ReadError(Reason.INVALID_ENTRY, message)
        version = await self._version()
        for watch in (self._nodes, self._pods):
            watch.start()
        await self._nodes.current()
        await self._pods.current()
        state = self._nodes.revision, self._pods.revision, version
        if self._last is None or self._last[0] != state:
            note = self._nodes.note or self._pods.note
            made = snapshot(self._nodes.objects, self._pods.objects, version, note)
            self._last = state, made
        return self._last[1]

    async def close(self) -> None:
        """End the watches and close the connections."""
        for each in (self._nodes, self._pods, self._client):
            await each.close()

    async def _version(self) -> str:
        """Return the version of the API server; empty where it is not shown to us."""
        response = await self._client.get(VERSION, self._headers())
        if response.status == 403:
            return ""
        if response.status != 200:
            raise refusal(response.status, response.body, VERSION)
        try:
            return msgspec.json.decode(response.body, type=_Version).git
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"{VERSION} is not an answer of a Kubernetes API server: {error}"
            raise ReadError(Reason.BAD_REPLY, message) from None

    def _headers(self) -> Mapping[str, str]:
        token = self._server.token()
        return {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS
