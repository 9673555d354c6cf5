"""The Prometheus behind the guard: one request for each question, within a deadline and a size.

Nothing of a client's request is passed on but what the guard has written. Redirects are not
followed. An answer is streamed: a large one takes no memory here.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

import httpx
from aiohttp import web

from rackwatt_accounting.guard.refusal import GuardError
from rackwatt_exporter.reading import ReadError

log = logging.getLogger(__name__)

MAX_ANSWER = 64 * 1024 * 1024
_JSON = "application/json"
# Prometheus's own words about a query; others are about the server, and not for users.
_PASSED = frozenset({200, 400, 422, 503})


class Upstream:
    """A Prometheus; `authorization` gives the headers of a log-in for each request."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: str,
        authorization: Callable[[], Mapping[str, str]],
        deadline_s: float = 120.0,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._authorization = authorization
        self._deadline_s = deadline_s
        self._max_answer = max_answer

    async def answer(
        self, request: web.Request, method: str, path: str, form: list[tuple[str, str]]
    ) -> web.StreamResponse:
        """Send a question, and pass its answer on.

        Raises:
            GuardError: Prometheus did not answer in time, or with anything but its own API.
        """
        fields: dict[str, list[str]] = {}
        for name, value in form:
            fields.setdefault(name, []).append(value)
        response: web.StreamResponse | None = None
        try:
            sent = self._client.build_request(
                method,
                self._url + path,
                headers={"Accept": _JSON, **self._authorization()},
                params=fields if method == "GET" else None,
                data=fields if method == "POST" else None,
            )
            async with asyncio.timeout(self._deadline_s):
                answer = await self._client.send(sent, stream=True, follow_redirects=False)
                try:
                    response = _checked(answer)
                    return await self._passed(request, response, answer)
                finally:
                    await answer.aclose()
        except ReadError as error:
            log.error("the log-in at Prometheus: %s", error)
            message = "there is no log-in at Prometheus here"
            raise GuardError(message, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable") from None
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("a query of a user failed at Prometheus: %s", type(error).__name__)
            if response is not None and response.prepared:
                return _cut(request, response)
            if isinstance(error, TimeoutError | httpx.TimeoutException):
                message = "Prometheus did not answer in time"
                raise GuardError(message, HTTPStatus.GATEWAY_TIMEOUT, "timeout") from None
            message = "Prometheus cannot be reached"
            raise GuardError(message, HTTPStatus.BAD_GATEWAY, "unavailable") from None

    async def _passed(
        self, request: web.Request, response: web.StreamResponse, answer: httpx.Response
    ) -> web.StreamResponse:
        passed = 0
        async for chunk in answer.aiter_bytes():
            passed += len(chunk)
            if passed > self._max_answer:
                message = f"the answer is larger than {self._max_answer} bytes: ask for less"
                if response.prepared:
                    log.warning("an answer of Prometheus is too large for users")
                    return _cut(request, response)
                raise GuardError(message, HTTPStatus.UNPROCESSABLE_ENTITY, "execution")
            if not response.prepared:
                await response.prepare(request)
            await response.write(chunk)
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        return response


def _checked(answer: httpx.Response) -> web.StreamResponse:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status_code not in _PASSED or kind != _JSON:
        log.warning("Prometheus answers a query with status %d, %r", answer.status_code, kind[:50])
        message = "Prometheus does not answer with its API"
        raise GuardError(message, HTTPStatus.BAD_GATEWAY, "unavailable")
    headers = {"Content-Type": _JSON, "Cache-Control": "no-store"}
    return web.StreamResponse(status=answer.status_code, headers=headers)


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """End the connection, so that half an answer is never taken for a whole one."""
    if request.transport is not None:
        request.transport.abort()
    return response
