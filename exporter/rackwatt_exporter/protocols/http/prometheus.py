"""Instant queries of a Prometheus, or of what has its HTTP API: Thanos, Mimir, VictoriaMetrics.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

PATH = "/api/v1/query"
_MAX_WORDS = 300
_TIMED_OUT = frozenset({"timeout", "canceled"})


class Vector(NamedTuple):
    """The samples of an instant vector, each with its labels.

    `unread` samples are not as they should be, or are not finite. `warnings` are those of the
    server: its answer may be partial.
    """

    samples: Sequence[tuple[Mapping[str, str], float]]
    unread: int = 0
    warnings: tuple[str, ...] = ()


class _Sample(msgspec.Struct, gc=False):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(msgspec.Struct, rename="camel"):
    result_type: str = ""
    result: msgspec.Raw = msgspec.Raw(b"[]")


class _Reply(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error_type: str = ""
    error: str = ""
    warnings: tuple[str, ...] = ()


_REPLY = msgspec.json.Decoder(_Reply)
_SAMPLES = msgspec.json.Decoder(list[_Sample])
_RAW_SAMPLES = msgspec.json.Decoder(list[msgspec.Raw])
_SAMPLE = msgspec.json.Decoder(_Sample)


class PrometheusApi:
    """The query API of one server; `authorization` is called for each query."""

    def __init__(self, client: HttpClient, authorization: Callable[[], Mapping[str, str]]) -> None:
        self._client = client
        self._authorization = authorization

    async def query(self, expression: str, timeout_s: float) -> Vector:
        """Evaluate an expression at the server's own time.

        Raises:
            ReadError: as `HttpClient.get`; credentials_missing; auth_failed,
                privilege_insufficient, timeout and bad_reply as the server answers.
        """
        # The server gives up a query that its client no longer waits for.
        query = {"query": expression, "timeout": f"{max(1, math.ceil(timeout_s))}s"}
        headers = {"Accept": "application/json", **self._authorization()}
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._client.get(PATH, headers, query)
        except TimeoutError:
            message = f"Prometheus did not answer a query within {timeout_s:g}s"
            raise ReadError(Reason.TIMEOUT, message) from None
        if response.status != 200:
            raise refusal(response)
        # In another thread: a large answer takes longer than the event loop may be held up.
        return await asyncio.to_thread(parse_vector, response.body)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()


def parse_vector(body: bytes) -> Vector:
    """Parse an answer; one bad sample hides no other.

    Raises:
        ReadError: bad_reply, where it is none, or no instant vector.
    """
    try:
        reply = _REPLY.decode(body)
        if reply.status != "success" or reply.data is None:
            words = quoted(reply.error, _MAX_WORDS) or f"status {quoted(reply.status, 40)}"
            raise ReadError(Reason.BAD_REPLY, f"Prometheus: {words}")
        if reply.data.result_type != "vector":
            kind = quoted(reply.data.result_type, 40)
            raise ReadError(Reason.BAD_REPLY, f"the result of a query is no vector but {kind!r}")
        decoded, unread = _samples(reply.data.result)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ReadError(
            Reason.BAD_REPLY,
            f"the answer is none of Prometheus's API ({quoted(str(error), 100)}; it begins "
            f"{quoted(body, 80)!r}): is prometheusURL that of a Prometheus?",
        ) from None
    read = list(_finite(decoded))
    warnings = tuple(quoted(word, _MAX_WORDS) for word in reply.warnings)
    return Vector(read, unread + len(decoded) - len(read), warnings)


def _samples(result: msgspec.Raw) -> tuple[list[_Sample], int]:
    """Decode samples at once, or each for itself where one is not as it should be."""
    try:
        return _SAMPLES.decode(result), 0
    except msgspec.ValidationError:
        each = _RAW_SAMPLES.decode(result)
    read = []
    for raw in each:
        try:
            read.append(_SAMPLE.decode(raw))
        except msgspec.ValidationError:
            continue
    return read, len(each) - len(read)


def _finite(samples: Iterable[_Sample]) -> Iterator[tuple[Mapping[str, str], float]]:
    for sample in samples:
        try:
            number = float(sample.value[1])
        except ValueError:
            continue
        if math.isfinite(number):
            yield sample.metric, number


def refusal(response: HttpResponse) -> ReadError:
    """Return the error of an answer without a result."""
    status = response.status
    if status == 401:
        return ReadError(Reason.AUTH_FAILED, "Prometheus rejects the log-in (status 401)")
    if status == 403:
        message = "Prometheus does not let this user query (status 403)"
        return ReadError(Reason.PRIVILEGE_INSUFFICIENT, message)
    kind, words = _error(response.body)
    if kind in _TIMED_OUT:
        return ReadError(Reason.TIMEOUT, f"Prometheus gave up a query: {words}")
    if kind:
        return ReadError(
            Reason.BAD_REPLY, f"Prometheus: {quoted(kind, 40)}: {words} (status {status})"
        )
    return ReadError(
        Reason.BAD_REPLY,
        f"{PATH} gives status {status}: {words}: is prometheusURL that of a Prometheus?",
    )


def _error(body: bytes) -> tuple[str, str]:
    """Return the type of an error and its words; no type where it is none of Prometheus's."""
    try:
        reply = _REPLY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "", quoted(body, _MAX_WORDS) or "no text"
    return reply.error_type, quoted(reply.error, _MAX_WORDS)
