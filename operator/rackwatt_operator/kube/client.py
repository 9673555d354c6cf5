"""Client of the API server: the few requests the operator needs, in plain dicts, over one session.

It does not retry: the work queue calls its callers again with back-off, and every request here may
be repeated.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec

from rackwatt_operator.kube.auth import ClusterCredentials, CredentialsError
from rackwatt_operator.kube.constants import MANAGER
from rackwatt_operator.kube.errors import ApiError, from_response
from rackwatt_operator.kube.resources import Resource
from rackwatt_operator.metrics import REQUESTS

Manifest = dict[str, Any]

_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_JSON = {"Content-Type": "application/json"}
_MERGE = {"Content-Type": "application/merge-patch+json"}
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_SHOWN = 80
_PAGE_SIZE = "100"


class Client:
    """The API server, with one identity."""

    def __init__(self, login: ClusterCredentials) -> None:
        self._login = login
        self._session = login.session()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, **parameters: str) -> Manifest:
        """Get what is at a path.

        Raises:
            ApiError: rejected or no response, as by every other method.
        """
        return await self._request("GET", path, parameters)

    async def list_pages(
        self, path: str, **parameters: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        """Yield the pages of a list: items, and the resource version of the whole."""
        query = {"limit": _PAGE_SIZE, **parameters}
        while True:
            page = await self.get(path, **query)
            yield page["items"], int(page["metadata"]["resourceVersion"])
            if not (token := page["metadata"].get("continue")):
                return
            query["continue"] = token

    async def version(self, path: str) -> int:
        """Return the current resource version of a list."""
        page = await self.get(path, limit="1")
        return int(page["metadata"]["resourceVersion"])

    async def apply(self, kind: Resource, manifest: Manifest, subresource: str = "") -> Manifest:
        """Server-side apply a manifest, as the owner of every field in it.

        `metadata.uid` requires the object to be the same as before; `metadata.resourceVersion:
        "1"` requires that there is none, since no object was written at etcd's first revision.
        """
        metadata = manifest["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"], subresource)
        query = {"fieldManager": MANAGER, "force": "true"}
        return await self._request("PATCH", path, query, manifest, _APPLY)

    async def create(self, path: str, body: Manifest) -> Manifest:
        """Create an object or a review."""
        return await self._request("POST", path, {"fieldManager": MANAGER}, body, _JSON)

    async def merge(self, path: str, patch: Manifest) -> Manifest:
        """Change the fields of an object that a merge patch has (RFC 7396)."""
        return await self._request("PATCH", path, {"fieldManager": MANAGER}, patch, _MERGE)

    async def replace(self, path: str, body: Manifest) -> Manifest:
        """Replace an object; its resourceVersion requires that no other client did meanwhile."""
        return await self._request("PUT", path, {"fieldManager": MANAGER}, body, _JSON)

    async def delete(self, path: str, uid: str) -> None:
        """Delete an object of this uid; garbage collection deletes what it owns."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        await self._request("DELETE", path, {}, body, _JSON)

    async def _request(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Manifest | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Manifest:
        data = None if body is None else msgspec.json.encode(body)
        start_s = time.monotonic()
        status = 0
        try:
            async with self._session.request(
                method,
                self._login.server + path,
                params=parameters,
                data=data,
                headers=headers,
                timeout=_TIMEOUT,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, f"no response from {self._login.server}: {_message(error)}") from None
        finally:
            REQUESTS.labels(method, str(status)).observe(time.monotonic() - start_s)
        if status == 401:
            await self._renew()
        if status >= 400:
            raise from_response(status, content, response.headers)
        try:
            return msgspec.json.decode(content, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):  # as a proxy's error page
            text = content[:_SHOWN].decode(errors="replace").strip()
            raise ApiError(0, f"{self._login.server} is not an API server: {text}") from None
        except RecursionError:  # an API server accepts ten thousand levels
            raise ApiError(0, f"{path}: an object there is nested too deep to be read") from None

    async def _renew(self) -> None:
        """Read the credentials again, for the next request."""
        try:
            await self._login.renew()
        except CredentialsError as error:
            raise ApiError(401, str(error)) from None


def _message(error: Exception) -> str:
    return str(error) or type(error).__name__
