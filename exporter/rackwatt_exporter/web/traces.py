"""Traces of jobs: `POST` accepts the report of a process, `GET` shows what is reported.

The path is that of a SchedulerBinding and may change while the process runs, so the route asks for
it at each request. A job may send anything, as often as it likes: its requests are limited before
they are read, and by the address of its host.
"""

import asyncio
import hashlib
import hmac
import time
from typing import Any, NoReturn

from aiohttp import hdrs, web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.tracing import TracedScheduler, TracedSchedulers
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.model.trace import MAX_REPORT_BYTES, TraceReport, decode_report
from rackwatt_exporter.store.traces import TraceLimitError
from rackwatt_exporter.web import trace_page
from rackwatt_exporter.web.rate_limit import RateLimit

_RATE = 200.0  # requests a second of one host: 1,000 processes that report every 5 seconds
_BURST = 1000
_MAX_READING = 16  # of the 40 concurrent requests, so that scrapes have room beside them
_BODY_S = 5.0
_CHALLENGE = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="rackwatt"'}
_JSON = "application/json"


class _TraceResource(web.PlainResource):
    """The paths at which jobs report now; tried after every other path."""

    def __init__(self, traced: TracedSchedulers) -> None:
        super().__init__("/")
        self._traced = traced

    def _match(self, path: str) -> dict[str, str] | None:
        return {} if self._traced.at(path) else None


class TraceHandler:
    """Handler of reports, and of the page and the JSON of them."""

    def __init__(self, exporter: Exporter) -> None:
        self._traced = exporter.registry.schedulers.traced
        self._resource = _TraceResource(self._traced)
        self._limit = RateLimit(_RATE, _BURST)
        self._reading = 0

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for method, handler in (
            (hdrs.METH_POST, self.post), (hdrs.METH_GET, self.get), (hdrs.METH_HEAD, self.get),
        ):  # fmt: skip
            self._resource.add_route(method, handler)
        app.router.register_resource(self._resource)

    def requires_token(self, request: web.Request) -> bool:
        """Return whether a request is a report that must have a token."""
        if request.method != hdrs.METH_POST:
            return False
        if request.match_info.route.resource is not self._resource:
            return False
        return self._at(request).spec.tracing.token is not None

    async def post(self, request: web.Request) -> web.Response:
        """Accept the report of a process.

        401 without the token, 408 for a slow body, 413 and 415 for its size and type, 429 above a
        limit, 400 for what is no report, each with the reason as text; 503 where the token itself
        is missing.
        """
        traced = self._at(request)
        if not self._limit.allows(request.remote) or self._reading >= _MAX_READING:
            _refuse_for_limit(traced, "too many reports from this host: report less often")
        _check_token(traced, request)
        self._reading += 1
        try:
            report = await _report(request)
            listed = traced.accept(report)
        except ValueError as error:
            traced.store.results["invalid"] += 1
            raise web.HTTPBadRequest(text=f"invalid report: {error}\n") from None
        except web.HTTPException:
            traced.store.results["invalid"] += 1
            raise
        except TraceLimitError as error:
            _refuse_for_limit(traced, str(error))
        finally:
            self._reading -= 1
        traced.store.results["accepted"] += 1
        return web.json_response({"listed": listed, **_note(report, listed)})

    async def get(self, request: web.Request) -> web.Response:
        """Serve what is reported, as a page or as JSON."""
        traced = self._at(request)
        now_s = time.monotonic()
        form = request.query.get("format")
        if form not in (None, "json", "html"):
            raise web.HTTPBadRequest(text="format is json or html\n")
        headers = {hdrs.VARY: hdrs.ACCEPT, hdrs.CACHE_CONTROL: "no-store"}
        if form == "json" or (form is None and _prefers_json(request)):
            return web.json_response(trace_page.plain(traced, now_s), headers=headers)
        text = trace_page.render(traced, now_s)
        return web.Response(text=text, content_type="text/html", headers=headers)

    def _at(self, request: web.Request) -> TracedScheduler:
        traced = self._traced.at(request.rel_url.path_safe)
        if traced is None:
            raise web.HTTPNotFound
        return traced


async def _report(request: web.Request) -> TraceReport:
    """Read and decode a report.

    Raises:
        HTTPException: 408, 413 or 415.
        ValueError: it is no report.
    """
    if request.content_type != _JSON:
        message = f"the Content-Type of a report is {_JSON}\n"
        raise web.HTTPUnsupportedMediaType(text=message)
    return decode_report(await _body(request))


async def _body(request: web.Request) -> bytes:
    size = request.content_length or 0
    if size <= MAX_REPORT_BYTES:
        try:
            async with asyncio.timeout(_BODY_S):
                size = len(await request.content.readexactly(MAX_REPORT_BYTES + 1))
        except asyncio.IncompleteReadError as error:
            return error.partial
        except web.RequestPayloadError:
            raise ValueError("its body is not in its Content-Encoding") from None
        except ConnectionError:
            raise ValueError("the client closed the connection") from None
        except TimeoutError:
            message = f"no whole report within {_BODY_S:g} s\n"
            raise web.HTTPRequestTimeout(text=message) from None
    message = f"a report has at most {MAX_REPORT_BYTES} bytes\n"
    raise web.HTTPRequestEntityTooLarge(MAX_REPORT_BYTES, size, text=message)


def _check_token(traced: TracedScheduler, request: web.Request) -> None:
    """Check the token of a request, in the same time whatever it is."""
    try:
        token = traced.token()
    except ReadError:
        traced.store.results["unauthorized"] += 1
        message = "the exporter has no token to compare with: its /status says which is missing\n"
        raise web.HTTPServiceUnavailable(text=message, headers={"Retry-After": "10"}) from None
    if token is None:
        return
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    same = hmac.compare_digest(_digest(given.strip().encode("utf-8", "replace")), _digest(token))
    if not same or scheme.lower() != "bearer":
        traced.store.results["unauthorized"] += 1
        message = "a report needs the token of the SchedulerBinding: Authorization: Bearer\n"
        raise web.HTTPUnauthorized(text=message, headers=_CHALLENGE)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _refuse_for_limit(traced: TracedScheduler, message: str) -> NoReturn:
    traced.store.results["limited"] += 1
    raise web.HTTPTooManyRequests(text=f"{message}\n", headers={"Retry-After": "1"}) from None


def _note(report: TraceReport, listed: bool | None) -> dict[str, Any]:
    if listed is not False:
        return {}
    return {"message": f"the scheduler does not list job {report.job}: it is not served"}


def _prefers_json(request: web.Request) -> bool:
    accepted = request.headers.get(hdrs.ACCEPT, "")
    return _JSON in accepted and "text/html" not in accepted
