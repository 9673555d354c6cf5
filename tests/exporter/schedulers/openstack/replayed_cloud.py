"""A server that answers as the services of tests/data/nova-34 did, and otherwise where a test says so.

Servers need compute and network services, which the real Nova of the other tests does not have.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

DATA = Path(__file__).parents[3] / "data/nova-34"
OLDEST, NEWEST = (2, 1), (2, 104)
PROVIDER = "7ba9299d-9ca9-40cb-bc30-af67a9feb2a3"
Handler = Callable[[web.Request], web.StreamResponse]


def captured(name: str) -> Any:
    """Read a captured response."""
    return json.loads((DATA / f"{name}.json").read_text())


class ReplayedCloud:
    """The cloud: `routes` replaces what it answers at a path, `versions` what Nova has."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.routes: dict[str, Handler] = {}
        self.versions = (OLDEST, NEWEST)
        self.logins: list[Any] = []
        self.tokens = 0
        self.revoked: set[str] = set()

    @property
    def auth_url(self) -> str:
        """Keystone's URL."""
        return f"{self.url}/identity/v3"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        if request.path == "/identity/v3/auth/tokens" and request.path not in self.routes:
            return self.issue(await request.json())
        if request.path != "/identity/v3/auth/tokens" and self._refuses(request):
            return web.json_response({"error": {"message": "unauthenticated"}}, status=401)
        if handler := self.routes.get(request.path):
            return handler(request)
        service, _, path = request.path.removeprefix("/").partition("/")
        if service == "compute":
            return self.nova(request, path.removeprefix("v2.1/"))
        name = {
            "resource_providers": "resource_providers",
            f"resource_providers/{PROVIDER}/inventories": "inventories",
            f"resource_providers/{PROVIDER}/usages": "usages",
        }.get(path)
        if service == "placement" and name:
            return web.json_response(captured(name))
        if service == "identity":
            return self.keystone(*path.split("/")[1:])
        return web.json_response({"error": {"message": "nothing here"}}, status=404)

    def issue(self, body: Any) -> web.Response:
        """Issue a token, with the URLs of this server in the captured catalog."""
        self.logins.append(body)
        self.tokens += 1
        content = captured("token")
        for service in content["token"]["catalog"]:
            for endpoint in service["endpoints"]:
                path = "/v2.1" if service["type"] == "compute" else ""
                endpoint["url"] = f"{self.url}/{service['type']}{path}"
        headers = {"X-Subject-Token": f"token-{self.tokens}"}
        return web.json_response(content, status=201, headers=headers)

    def nova(self, request: web.Request, path: str) -> web.Response:
        """Answer as Nova, in the microversion that is requested."""
        text = request.headers["OpenStack-API-Version"].removeprefix("compute ")
        version = tuple(map(int, text.split(".")))
        oldest, newest = self.versions
        if not oldest <= version <= newest:
            words = (
                f"Version {text} is not supported by the API. Minimum is {oldest[0]}.{oldest[1]} "
            )
            words += f"and maximum is {newest[0]}.{newest[1]}."
            return web.json_response({"notAcceptable": {"message": words}}, status=406)
        if path == "os-hypervisors/detail":
            name = "2.1" if version < (2, 88) else "2.88" if version < (2, 96) else "2.96"
            content = captured(f"hypervisors_{name}")
            if "with_servers" not in request.query:
                for one in content["hypervisors"]:
                    one.pop("servers", None)
            return web.json_response(content)
        if path == "servers/detail":
            assert request.query["all_tenants"] == "True"
            return web.json_response(
                captured("servers_2.1" if version < (2, 47) else "servers_2.96")
            )
        return web.json_response({"flavors": []})

    def keystone(self, kind: str, number: str) -> web.Response:
        """Answer one user or project."""
        for one in captured(kind)[kind]:
            if one["id"] == number:
                return web.json_response({kind[:-1]: one})
        return web.json_response({"error": {"message": "no such"}}, status=404)

    def _refuses(self, request: web.Request) -> bool:
        token = request.headers.get("X-Auth-Token", "")
        return not token.startswith("token-") or token in self.revoked


def answering(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    """Make a route: JSON of `content`, or a text that is none."""
    if isinstance(content, str):
        return lambda _: web.Response(text=content, status=status, headers=headers)
    return lambda _: web.json_response(content, status=status, headers=headers)


@asynccontextmanager
async def replayed_cloud() -> AsyncIterator[ReplayedCloud]:
    """Run the server until the block ends."""
    cloud = ReplayedCloud()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", cloud.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    cloud.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield cloud
    finally:
        await runner.cleanup()
