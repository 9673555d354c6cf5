"""The few questions we ask the API server, in plain dicts over one session.

It retries nothing: whoever asks is called again by the queue, with its back-off, and everything
asked here may be asked twice.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec

from rackwatt_operator.kube.auth import ClusterCredentials, CredentialsError
from rackwatt_operator.kube.constants import MANAGER
from rackwatt_operator.kube.errors import ApiError, refusal
from rackwatt_operator.kube.resources import Resource
from rackwatt_operator.metrics import REQUESTS

Manifest = dict[str, Any]

_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
_JSON = {"Content-Type": "application/json"}
_APPLY = {"Content-Type": "application/apply-patch+yaml"}
_SHOWN = 80
_CHUNK = "100"


class Client:
    """The API server, asked as one identity."""

    def __init__(self, login: ClusterCredentials) -> None:
        self._login = login
        self._session = login.session()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(self, path: str, **parameters: str) -> Manifest:
        """Get what is at a path.

        Raises:
            ApiError: as every other question here: refused, or not answered.
        """
        return await self._ask("GET", path, parameters)

    async def chunks(
        self, path: str, **parameters: str
    ) -> AsyncIterator[tuple[list[Manifest], int]]:
        """List what is at a path: at least one chunk of items, and the version of the whole."""
        asked = {"limit": _CHUNK, **parameters}
        while True:
            found = await self.get(path, **asked)
            yield found["items"], int(found["metadata"]["resourceVersion"])
            if not (token := found["metadata"].get("continue")):
                return
            asked["continue"] = token

    async def version(self, path: str) -> int:
        """Tell the version that a list at a path has now."""
        found = await self.get(path, limit="1")
        return int(found["metadata"]["resourceVersion"])

    async def apply(self, kind: Resource, manifest: Manifest, subresource: str = "") -> Manifest:
        """Apply a manifest on the server's side, as the owner of every field in it.

        `metadata.uid` holds the object to be the same as before; `metadata.resourceVersion: "1"`
        holds that there is none, for no object was ever written at etcd's first revision.
        """
        metadata = manifest["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"], subresource)
        asked = {"fieldManager": MANAGER, "force": "true"}
        return await self._ask("PATCH", path, asked, manifest, _APPLY)

    async def create(self, path: str, body: Manifest) -> Manifest:
        """Create an object, or ask a review."""
        return await self._ask("POST", path, {"fieldManager": MANAGER}, body, _JSON)

    async def replace(self, path: str, body: Manifest) -> Manifest:
        """Replace an object; its resourceVersion holds that nobody else did meanwhile."""
        return await self._ask("PUT", path, {"fieldManager": MANAGER}, body, _JSON)

    async def delete(self, path: str, uid: str) -> None:
        """Delete an object, if it still is the one of that uid; what it owns follows."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        await self._ask("DELETE", path, {}, body, _JSON)

    async def _ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str],
        body: Manifest | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Manifest:
        data = None if body is None else msgspec.json.encode(body)
        began_s = time.monotonic()
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
                status, answer = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, f"no answer from {self._login.server}: {_told(error)}") from None
        finally:
            REQUESTS.labels(method, str(status)).observe(time.monotonic() - began_s)
        if status == 401:
            await self._renew()
        if status >= 400:
            raise refusal(status, answer, response.headers)
        try:
            return msgspec.json.decode(answer, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):  # as a proxy's page for people
            told = answer[:_SHOWN].decode(errors="replace").strip()
            raise ApiError(0, f"no API server answers at {self._login.server}: {told}") from None
        except RecursionError:  # an API server lets objects be ten thousand levels deep
            raise ApiError(0, f"{path}: an object there is nested too deep to be read") from None

    async def _renew(self) -> None:
        """Log in anew, for the next question."""
        try:
            await self._login.renew()
        except CredentialsError as error:
            raise ApiError(401, str(error)) from None


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__
