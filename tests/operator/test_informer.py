"""The informer in kopf's thread, on a real API server."""

import asyncio
import json

from rackwatt_operator.informer import Informer
from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.constants import MANAGED_BY, MANAGER
from rackwatt_operator.kube.resources import BY_NAME, CHILDREN, MONITORING, ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import PATIENCE_S, KubeUser

CONFIG_MAP = BY_NAME["ConfigMap"]
JSON = {"Content-Type": "application/json"}


def config_map(name: str, namespace: str, said: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": {MANAGED_BY: MANAGER}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"said": said},
    }


async def test_the_informer_passes_on_news_and_deletions_but_no_initial_or_known_state(
    operated: Cluster, kube_user: KubeUser, namespace: str
) -> None:
    known = ObjectKey("ConfigMap", namespace, "known")
    kube_user.apply(config_map("there", namespace, "before"))
    handed: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    login = ClusterCredentials(operated.kubeconfig)
    await login.renew()
    informer = Informer(
        login,
        [namespace],
        lambda name, _: name != known,
        lambda name, _seen, deleted: handed.put_nowait((name.name, deleted)),
    )
    running = asyncio.create_task(informer.run([CONFIG_MAP]))
    async with asyncio.timeout(PATIENCE_S):
        await informer.watching.wait()
        for said in ("first", "second"):
            kube_user.apply(config_map("known", namespace, said))
        kube_user.apply(config_map("new", namespace, "first"))
        assert await handed.get() == ("new", False)
        kube_user.delete(known)
        assert await handed.get() == ("known", True)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_informer_ends_with_the_error_when_kopf_cannot_decode_an_object(
    operated: Cluster, kube_user: KubeUser, namespace: str
) -> None:
    login = ClusterCredentials(operated.kubeconfig)
    await login.renew()
    informer = Informer(login, [namespace], lambda *_: True, lambda *_: None)
    kinds = [kind for kind in CHILDREN if kind.api_version != MONITORING]
    running = asyncio.create_task(informer.run(kinds))
    async with asyncio.timeout(PATIENCE_S):
        await informer.watching.wait()
        made = kube_user.client.post(
            CONFIG_MAP.path(namespace), content=too_deep(namespace), headers=JSON
        )
        assert made.is_success
        try:
            assert "recursion" in await running
        finally:
            kube_user.delete(ObjectKey("ConfigMap", namespace, "deep"))


def too_deep(namespace: str) -> bytes:
    """Return an object that the API server accepts, and that Python's decoders do not."""
    managed = {
        "manager": "another",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": "here",
    }
    made = config_map("deep", namespace, "")
    made["metadata"]["managedFields"] = [managed]
    fields = '{"f:a":' * 5000 + "{}" + "}" * 5000
    return json.dumps(made).replace('"here"', fields).encode()
