"""An issuer of tokens on a real socket, as Grafana and OpenID Connect providers are.

No Grafana and no provider can be had here, so this serves what RFC 7517 and OpenID Connect
Discovery 1.0 say, with keys that are made for each test.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

AUDIENCE = "rackwatt"
Signing = ECKey | RSAKey | OKPKey | OctKey


class Issuer:
    """Its keys, what it answers, and how often it was read."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[Signing] = [ec_key("one")]
        self.paths: list[str] = []
        self.status = 200
        self.claimed_issuer: str | None = None
        self.keys_url: str | None = None

    def jwks(self) -> dict[str, Any]:
        """Return its key set."""
        return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        if self.status != 200:
            return web.Response(status=self.status, headers={"Location": "/elsewhere"})
        if request.path.endswith("/openid-configuration"):
            return web.json_response(
                {
                    "issuer": self.claimed_issuer or self.url,
                    "jwks_uri": self.keys_url or f"{self.url}/keys",
                    "response_types_supported": ["code"],
                }
            )
        return web.json_response(self.jwks())

    def token(
        self,
        claims: Mapping[str, Any],
        header: Mapping[str, Any] | None = None,
        key: Signing | None = None,
    ) -> str:
        """Sign claims; those of time, issuer and audience are there unless they are given."""
        now = int(time.time())
        key = key or self.keys[0]
        head = {"alg": "ES256", "kid": key.kid, "typ": "JWT", **(header or {})}
        body = {"iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + 600, **claims}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in body.items() if value is not None},
            key, algorithms=[head["alg"]], default_type=None,
        )  # fmt: skip


def ec_key(key_id: str) -> ECKey:
    """Make a key for ES256."""
    return ECKey.generate_key("P-256", {"kid": key_id})


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """Serve an issuer until the block ends."""
    issuer = Issuer()
    application = web.Application()
    application.router.add_get("/{path:.*}", issuer.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
