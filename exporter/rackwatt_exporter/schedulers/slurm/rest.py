"""Snapshots from slurmrestd, whichever version of its interface it speaks.

Each Slurm release offers three or four versions of the interface: the newest that answers is kept
until it no longer does, unless the document names one. Slurm 23.11 refuses its newest one while
slurmdbd is down: the newest is tried again every ten minutes. Where jobs cannot be read the nodes
are still known, and jobs are not: never none.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import rest_models as slurm_reply
from rackwatt_exporter.schedulers.slurm.errors import ANOTHER_CLUSTER
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.kept_nodes import KeptNodes
from rackwatt_exporter.schedulers.slurm.node_parts import NodeParts
from rackwatt_exporter.schedulers.slurm.options import SlurmRestOptions
from rackwatt_exporter.schedulers.slurm.request_headers import RequestHeaders
from rackwatt_exporter.schedulers.slurm.rest_errors import (
    VersionError,
    none_answers,
    refusal,
    version_not_offered,
    without_subject,
)
from rackwatt_exporter.schedulers.slurm.rest_job_stream import read_job_stream
from rackwatt_exporter.schedulers.slurm.rest_jobs import read_jobs
from rackwatt_exporter.schedulers.slurm.rest_models import NodesResponse
from rackwatt_exporter.schedulers.slurm.subject import Parsed, SlurmSubject
from rackwatt_exporter.schedulers.slurm.subjects import SubjectReader

OPENAPI = "/openapi/v3"
BEST_AGAIN_S = 600.0


class SlurmRest:
    """One slurmrestd. While nothing has changed it says only that, and the last snapshot stays."""

    def __init__(
        self,
        options: SlurmRestOptions,
        secrets: Secrets,
        timeout_s: float,
        *,
        jobs: bool,
        subjects: Sequence[SlurmSubject] = (),
    ) -> None:
        self._cluster = options.cluster
        self._user = options.user
        self._version = options.version
        self._headers = RequestHeaders(options, secrets)
        self._service = HttpClient(
            options.url, partial(tls_parameters, options.tls, secrets), timeout_s
        )
        self._timeout_s = timeout_s
        self._reads_jobs = jobs
        self._parts = NodeParts()
        self._subjects = SubjectReader(subjects, self._ask)
        self._paths: Sequence[str] = ()
        self._best: Sequence[str] = ()
        self._best_tried_s = 0.0
        self._kept = KeptNodes()

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot.

        Raises:
            ReadError: with the reason.
        """
        deadline_s = asyncio.get_running_loop().time() + self._timeout_s
        try:
            snapshot = await self._read()
        except ReadError as error:
            self._kept.forget()
            if error.reason is Reason.AUTH_FAILED:
                raise self._headers.refused(error) from None
            raise
        snapshot = self._kept.snapshot = self._dated(snapshot)
        if self._reads_jobs:
            jobs = await self._jobs(deadline_s)
            jobs = await asyncio.to_thread(self._parts.complete, jobs, snapshot.nodes)
            jobs = jobs.unless_hidden(snapshot.nodes.values())
            snapshot = msgspec.structs.replace(
                snapshot,
                note="; ".join(filter(None, (snapshot.note, jobs.note))),
                jobs=jobs.jobs,
                unread_jobs=jobs.unread,
            )
        return await self._subjects.complete(snapshot, deadline_s)

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()

    def _dated(self, snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
        """Return a snapshot with the times of the token; the same one where they are the same."""
        issued_at_s, expires_at_s = self._headers.token_times
        if (snapshot.token_issued_at_s, snapshot.token_expires_at_s) == (issued_at_s, expires_at_s):
            return snapshot
        return msgspec.structs.replace(
            snapshot, token_issued_at_s=issued_at_s, token_expires_at_s=expires_at_s
        )

    async def _read(self) -> SchedulerSnapshot:
        if self._paths:
            try:
                return await self._first_of(self._in_order())
            except VersionError as error:
                if not error.gone:
                    raise
        self._paths = ()  # another Slurm answers than the one whose versions we know
        self._best = self._paths = await self._offered()
        try:
            return await self._first_of(self._best)
        except VersionError as error:
            if not (error.gone and self._version):
                raise
            offered = slurm_reply.nodes_paths(await self._described())
            raise version_not_offered(error, self._version, offered) from None

    def _in_order(self) -> Sequence[str]:
        """Return the paths: the one that answered last first, and now and then the best one."""
        since_s = asyncio.get_running_loop().time() - self._best_tried_s
        if self._paths[0] == self._best[0] or since_s < BEST_AGAIN_S:
            return self._paths
        self._kept.forget()  # they are of another version
        return self._best

    async def _offered(self) -> Sequence[str]:
        """List where nodes are, the best version first."""
        if self._version:
            return (slurm_reply.nodes_path(self._version),)
        return slurm_reply.nodes_paths(await self._described())

    async def _described(self) -> bytes:
        """Return what slurmrestd says of its own interface."""
        answer = await self._get(OPENAPI)
        if answer.status != 200:
            raise refusal(answer, OPENAPI)
        return answer.body

    async def _first_of(self, paths: Sequence[str]) -> SchedulerSnapshot:
        """Read by the first version that answers, and put it first from now on."""
        failures = []
        for path in paths:
            if path == self._best[0]:
                self._best_tried_s = asyncio.get_running_loop().time()
            try:
                snapshot = await self._nodes(path)
            except VersionError as failure:
                failures.append(failure)
                continue
            self._paths = (path, *(other for other in paths if other != path))
            return snapshot
        raise none_answers(failures)

    async def _nodes(self, path: str) -> SchedulerSnapshot:
        since_s = self._kept.since_s()
        since = None if since_s is None else {"update_time": since_s}
        answer = await self._get(path, since)
        if since and answer.status == 304 and self._kept.snapshot is not None:
            return self._kept.snapshot
        if since and answer.status != 200:
            # Slurm 24.11 fails at this question when nodes have changed and partitions have not.
            answer = await self._get(path)
        if answer.status != 200:
            raise refusal(answer, path)
        try:
            reply = slurm_reply.reply(answer.body)
        except ReadError as error:
            raise VersionError(error.reason, f"{path}: {error}") from None
        if reply.error_text:
            raise refusal(answer, path)
        self._check_cluster(reply.cluster)
        snapshot = msgspec.structs.replace(reply.snapshot(), user=self._user or reply.user)
        self._kept.keep(snapshot, reply.updated_s)
        return snapshot

    async def _jobs(self, deadline_s: float) -> SlurmJobs:
        """Read the jobs, by the version that the nodes came by; why not, where that fails."""
        path = slurm_reply.path(self._paths[0], "/slurm/{version}/jobs")
        try:
            async with asyncio.timeout_at(deadline_s):
                answer, parts = await self._stream_jobs(path)
            reply = await self._checked(answer, path)
            if reply.jobs is None:
                raise refusal(answer, path)
        except TimeoutError:
            return SlurmJobs.failed(_late(path))
        except ReadError as error:
            if error.reason is Reason.AUTH_FAILED:
                error = self._headers.refused(error)
            return SlurmJobs.failed(error)
        return SlurmJobs.joined((*parts, await asyncio.to_thread(read_jobs, reply.jobs)))

    async def _stream_jobs(self, path: str) -> tuple[HttpResponse, list[SlurmJobs]]:
        """Return the answer with its last jobs, and those before them."""
        async with self._service.chunks(path, self._headers.get()) as (answer, chunks):
            streamed = await read_job_stream(chunks, path)
        return answer._replace(body=streamed.rest), streamed.parts

    async def _ask(self, subject: SlurmSubject, timeout_s: float) -> Parsed:
        """Read a subject, by the version that the nodes came by."""
        if subject.parse_reply is None:
            message = "slurmrestd does not report them: `slurm.cli` or `slurm.ssh` can"
            raise ReadError(Reason.BAD_REPLY, message)
        path = slurm_reply.path(self._paths[0], subject.path)
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        last = self._kept.snapshot
        cluster = self._cluster or (last.cluster if last else "")
        query = {"cluster": cluster} if subject.by_cluster and cluster else None
        try:
            answer, _ = await self._answer(path, deadline_s, query)
        except VersionError as error:
            raise without_subject(error, path) from None
        return await asyncio.to_thread(subject.parse_reply, answer.body, what=path)

    async def _answer(
        self, path: str, deadline_s: float, query: Mapping[str, str] | None = None
    ) -> tuple[HttpResponse, NodesResponse]:
        """Return the answer to a request until a time of the loop, which is no error."""
        try:
            async with asyncio.timeout_at(deadline_s):
                answer = await self._get(path, query)
        except TimeoutError:
            raise _late(path) from None
        return answer, await self._checked(answer, path)

    async def _checked(self, answer: HttpResponse, path: str) -> NodesResponse:
        """Decode an answer which is no error, and of the cluster."""
        if answer.status != 200:
            raise refusal(answer, path)
        reply = await asyncio.to_thread(slurm_reply.reply, answer.body)
        if reply.error_text:
            raise refusal(answer, path)
        self._check_cluster(reply.cluster)
        return reply

    def _check_cluster(self, cluster: str) -> None:
        if self._cluster and cluster and cluster != self._cluster:
            message = f"slurmrestd answers for cluster {cluster}: slurm.cluster is {self._cluster}"
            raise ReadError(Reason.BAD_REPLY, message, remedy=ANOTHER_CLUSTER)

    async def _get(self, path: str, query: Mapping[str, int | str] | None = None) -> HttpResponse:
        return await self._service.get(path, self._headers.get(), query)


def _late(path: str) -> ReadError:
    return ReadError(Reason.TIMEOUT, f"{path} had not answered in time")
