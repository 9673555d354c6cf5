"""The application: every path, with identification before it and problem details as errors."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from rackwatt_accounting.api.parameters import ParameterError
from rackwatt_accounting.api.scope import MEMBERSHIPS, RULES
from rackwatt_accounting.api.units import UnitsApi
from rackwatt_accounting.api.usage import UsageApi
from rackwatt_accounting.identity.identification import Identification, Way
from rackwatt_accounting.identity.problem import problem
from rackwatt_accounting.identity.rights import Rules, is_admin
from rackwatt_accounting.storage.store import Store

log = logging.getLogger(__name__)

HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"


def build_app(
    store: Store,
    rules: Mapping[str, Rules],
    ways: tuple[Way, ...],
    metrics: Callable[[], bytes],
    refusals: Counter[str] | None = None,
) -> web.Application:
    """Build the application of one process; `refusals` are counted by reason."""
    open_paths = (HEALTH, READY, METRICS)
    identification = Identification(ways, lambda name: is_admin(name, rules), open_paths, refusals)
    app = web.Application(middlewares=[errors, identification.middleware])
    app[RULES] = rules
    app[MEMBERSHIPS] = store
    UsageApi(store).add_routes(app)
    UnitsApi(store).add_routes(app)
    app.router.add_get(HEALTH, _healthy)
    app.router.add_get(READY, _healthy)

    async def serve_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), content_type="text/plain", charset="utf-8")

    app.router.add_get(METRICS, serve_metrics)
    return app


def build_health_app() -> web.Application:
    """Build an application with `/healthz` alone, for a listener without TLS."""
    app = web.Application()
    app.router.add_get(HEALTH, _healthy)
    return app


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond with problem details to what is wrong with a request."""
    try:
        return await handler(request)
    except ParameterError as error:
        return problem(HTTPStatus.BAD_REQUEST, str(error), {"parameters": error.problems})
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST or request.path == HEALTH:
            raise
        return problem(HTTPStatus(error.status), error.reason)


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")
