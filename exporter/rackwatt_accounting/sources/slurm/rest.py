"""Slurm's accounting by slurmrestd, which passes questions on to slurmdbd.

A record is 3 kB of JSON, and slurmrestd holds an answer as a whole before it sends it. So a window
is read in slices, and each answer is made into units while it arrives. slurmdbd has the jobs of all
clusters, whose ids are the same numbers: one cluster is always named.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from rackwatt_accounting.model.associations import Associations
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.selection import within
from rackwatt_accounting.sources.slurm.rest_associations import parse_associations
from rackwatt_accounting.sources.slurm.rest_dialect import Dialect, Request
from rackwatt_accounting.sources.slurm.rest_record import DbJob, unit_of
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S
from rackwatt_exporter.schedulers.slurm.errors import ANOTHER_CLUSTER
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.record_stream import RecordStream, RecordStreamError
from rackwatt_exporter.schedulers.slurm.request_headers import RequestHeaders
from rackwatt_exporter.schedulers.slurm.rest import OPENAPI
from rackwatt_exporter.schedulers.slurm.rest_errors import DatabaseError, refusal, without_subject

TIMEOUT_S = 300.0
SLICE_S = 6 * 3600  # a quarter of a day: 20 MB of JSON at 25,000 jobs a day
IDS = 100
_NOTHING_FOUND = 9003  # ESLURM_REST_EMPTY_RESULT: v0.0.38 has it as an error
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class _Error(msgspec.Struct):
    error_number: Any = None


class _Slurm(msgspec.Struct):
    cluster: str | None = None


class _Meta(msgspec.Struct):
    slurm: _Slurm | None = None


class _Cluster(msgspec.Struct):
    name: str


class _Reply(msgspec.Struct):
    jobs: list[DbJob] | None = None
    clusters: list[_Cluster] | None = None
    errors: list[_Error | str] | None = None
    meta: _Meta | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it has an error, apart from the one that there is nothing."""
        return any(
            isinstance(error, str) or error.error_number != _NOTHING_FOUND
            for error in self.errors or ()
        )


_REPLY = msgspec.json.Decoder(_Reply)
_JOBS = msgspec.json.Decoder(list[DbJob])


class SlurmRestSource:
    """The accounting of one cluster by slurmrestd."""

    def __init__(self, options: SlurmRestOptions, secrets: Secrets) -> None:
        self._options = options
        self._headers = RequestHeaders(options, secrets)
        self._service = HttpClient(
            options.url, partial(tls_parameters, options.tls, secrets), TIMEOUT_S
        )
        self._known: tuple[Dialect, str] | None = None  # and the name of the cluster

    async def units(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield the units that ran or ended within a window, each once.

        Raises:
            ReadError: what the connection raises; auth_failed; unreachable where slurmdbd does
                not answer; bad_reply for an answer that is something else, or cut.
        """
        for part in _slices(window):
            async for units in self._list(partial(_jobs_of_window, part)):
                new = within(units, part)
                if part.from_s > window.from_s:  # what started before came with an earlier slice
                    new = [unit for unit in new if unit.started_at_s >= part.from_s]
                if new:
                    yield new

    async def units_by_id(self, ids: Sequence[str], since_s: int) -> AsyncIterator[Sequence[Unit]]:
        """Yield every run since a time of the units with these ids; raises ReadError."""
        window = Window(since_s, MAX_TIME_S)
        for first in range(0, len(ids), IDS):
            some = ids[first : first + IDS]
            async for units in self._list(partial(_jobs_by_id, some, since_s)):
                if found := [unit for unit in within(units, window) if unit.id in some]:
                    yield found

    async def associations(self) -> Associations:
        """Return the accounts and users of the cluster; raises ReadError."""
        dialect, cluster = await self._negotiated()
        try:
            listed = await self._get(Request(dialect.path("associations"), {"cluster": cluster}))
            accounts = await self._get(dialect.accounts())
        except ReadError as error:
            raise self._failed(error) from None
        return await asyncio.to_thread(parse_associations, listed.body, accounts.body, cluster)

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()

    async def _list(
        self, requests: Callable[[Dialect, str], Iterator[Request]]
    ) -> AsyncIterator[list[Unit]]:
        dialect, cluster = await self._negotiated()
        try:
            for request in requests(dialect, cluster):
                async for units in self._stream(request, cluster):
                    yield units
        except ReadError as error:
            raise self._failed(error) from None

    async def _stream(self, request: Request, cluster: str) -> AsyncIterator[list[Unit]]:
        """Yield the units of an answer while it arrives."""
        path = request.path
        stream = RecordStream("jobs", _JOBS)
        async with self._service.chunks(request.target, self._headers.get()) as (answer, chunks):
            async for chunk in chunks:
                if stream.feed(chunk) and answer.status == 200:
                    # In another thread: the event loop answers people meanwhile.
                    yield await asyncio.to_thread(_divided, stream, path, cluster)
        answer = answer._replace(body=stream.rest)
        reply = await asyncio.to_thread(_checked, answer, path)
        if reply.jobs is None:
            raise refusal(answer, path)
        yield await asyncio.to_thread(_units, reply.jobs, path, cluster)

    async def _negotiated(self) -> tuple[Dialect, str]:
        """Return the version of the interface, and the name of the cluster."""
        if self._known is None:
            try:
                self._known = await self._negotiate()
            except ReadError as error:
                raise self._failed(error) from None
        return self._known

    async def _negotiate(self) -> tuple[Dialect, str]:
        if self._options.version:
            dialect = Dialect(int(self._options.version.rpartition(".")[2]))
        else:
            described = await self._service.get(OPENAPI, self._headers.get())
            if described.status != 200:
                raise refusal(described, OPENAPI)
            dialect = Dialect.best(described.body)
        path = dialect.path("clusters")
        reply = _checked(await self._get(Request(path)), path)
        return dialect, _cluster(reply, self._options.cluster)

    async def _get(self, request: Request) -> HttpResponse:
        answer = await self._service.get(request.target, self._headers.get())
        _checked(answer, request.path)
        return answer

    def _failed(self, error: ReadError) -> ReadError:
        """Return the error of a reading; the next slurmrestd that answers may be another."""
        self._known = None
        if isinstance(error, DatabaseError):
            return without_subject(error, "/slurmdb")
        return self._headers.refused(error) if error.reason is Reason.AUTH_FAILED else error


def _jobs_of_window(window: Window, dialect: Dialect, cluster: str) -> Iterator[Request]:
    yield dialect.jobs(window, cluster)


def _jobs_by_id(
    ids: Sequence[str], since_s: int, dialect: Dialect, cluster: str
) -> Iterator[Request]:
    yield from dialect.jobs_by_id(ids, since_s, cluster)


def _slices(window: Window) -> Iterator[Window]:
    for from_s in range(window.from_s, window.to_s, SLICE_S):
        yield Window(from_s, min(from_s + SLICE_S, window.to_s))


def _divided(stream: RecordStream[DbJob], path: str, cluster: str) -> list[Unit]:
    try:
        return _units(stream.divide(), path, cluster)
    except RecordStreamError:
        raise ReadError(Reason.BAD_REPLY, f"{path} has a record without an end") from None


def _units(jobs: Sequence[DbJob], path: str, cluster: str) -> list[Unit]:
    """Make the units of the jobs of one cluster; v0.0.38 finds an id in all of them."""
    try:
        made = [unit_of(job) for job in jobs if job.cluster in (cluster, None)]
    except ValueError as error:
        raise _not_of_slurm(path, error) from None
    return [unit for unit in made if unit is not None]


def _checked(answer: HttpResponse, path: str) -> _Reply:
    """Decode an answer that is no error."""
    if answer.status != 200:
        raise refusal(answer, path)
    try:
        reply = _REPLY.decode(answer.body)
    except _UNREADABLE as error:
        raise _not_of_slurm(path, error) from None
    if reply.has_failed:
        raise refusal(answer, path)
    return reply


def _cluster(reply: _Reply, wanted: str | None) -> str:
    """Return the name of the cluster that is meant."""
    names = [cluster.name for cluster in reply.clusters or ()]
    own = reply.meta.slurm.cluster if reply.meta and reply.meta.slurm else None
    name = wanted or own or (names[0] if len(names) == 1 else None)
    if name in names:
        return str(name)
    listed = quoted(", ".join(names), 160) or "none"
    message = f"slurmdbd has the clusters {listed}: slurm.cluster is {name or 'not given'}"
    raise ReadError(Reason.BAD_REPLY, message, remedy=ANOTHER_CLUSTER)


def _not_of_slurm(path: str, error: Exception) -> ReadError:
    message = f"{path}: not as Slurm should spell it: {quoted(str(error), 160)}"
    return ReadError(Reason.BAD_REPLY, message)
