"""Requests to an API server and nothing else: what is given, in order, so many at a time."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import aiohttp
import msgspec

from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.operator import WORKERS
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KINDS

AT_ONCE = WORKERS
_APPLY = {"fieldManager": "bare", "force": "true"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body encoded already."""

    method: str
    path: str
    body: bytes
    content_type: str = "application/json"


def creating(manifest: Manifest) -> Request:
    """Create an object."""
    path = KINDS[manifest["kind"]].path(manifest["metadata"]["namespace"])
    return Request("POST", path, msgspec.json.encode(manifest))


def applying(manifest: Manifest) -> Request:
    """Apply an object on the server's side."""
    metadata = manifest["metadata"]
    path = KINDS[manifest["kind"]].path(metadata["namespace"], metadata["name"])
    body = msgspec.json.encode(manifest)
    return Request("PATCH", path, body, "application/apply-patch+yaml")


def send(cluster: Cluster, requests: Iterable[Request]) -> list[bytes]:
    """Send requests, as many at a time as the operator does; give what was answered.

    Raises:
        AssertionError: one was refused.
    """
    numbered = list(enumerate(requests))
    answers = [b""] * len(numbered)
    asyncio.run(_send(cluster, iter(numbered), answers))
    return answers


async def _send(
    cluster: Cluster, waiting: Iterator[tuple[int, Request]], answers: list[bytes]
) -> None:
    login = ClusterCredentials(cluster.kubeconfig)
    await login.renew()

    async def worker(session: aiohttp.ClientSession) -> None:
        for number, request in waiting:
            answers[number] = await _ask(session, login.server + request.path, request)

    async with login.session() as session, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker(session))


async def _ask(session: aiohttp.ClientSession, url: str, request: Request) -> bytes:
    parameters = _APPLY if request.method == "PATCH" else {}
    async with session.request(
        request.method,
        url,
        data=request.body,
        params=parameters,
        headers={"Content-Type": request.content_type},
    ) as response:
        answer = await response.read()
        assert response.ok, answer
        return answer
