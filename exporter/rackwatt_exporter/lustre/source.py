"""One reading of Lustre's I/O: three queries of Prometheus, joined with a scheduler's jobs.

A part that fails hides no other. The queries do not depend on each other, processes need no
scheduler, and what has no name keeps its id.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from rackwatt_crds.jobid import Jobid, JobidTemplates, needs_jobs
from rackwatt_crds.wording import counted
from rackwatt_exporter.config.lustre import LustreConfig
from rackwatt_exporter.config.secrets import Secrets, authorization
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.lustre import getent, join
from rackwatt_exporter.lustre.job_index import JobIndex
from rackwatt_exporter.lustre.join import MissingOwner
from rackwatt_exporter.lustre.queries import Measure, dimensions, expression
from rackwatt_exporter.lustre.reading import KnownJobs, LustreReading
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.prometheus import PrometheusApi, Vector
from rackwatt_exporter.reading import ReadError, Reason

# Parts of the deadline: queries, the scheduler's first answer at the same time, then each database
# of the name service.
_QUERIES, _FIRST_ANSWER, _NAMES = 0.6, 0.7, 0.15

STAGE_JOBS = "retrieve_running_jobs"
STAGE_USERS = "retrieve_user_name_info"
STAGE_GROUPS = "retrieve_group_name_info"
STAGES = {
    Measure.METADATA: "build_metadata_metrics",
    Measure.READ: "build_read_throughput_metrics",
    Measure.WRITE: "build_write_throughput_metrics",
}

ReadJobs = Callable[[], Awaitable[KnownJobs]]
"""It returns the jobs that the scheduler listed last, and raises ReadError where there are none."""


class LustreSource:
    """The I/O of one scheduler's jobs. It keeps names, and the jobs that just ended."""

    def __init__(self, config: LustreConfig, secrets: Secrets, read_jobs: ReadJobs) -> None:
        options, login = config.options, config.credentials
        self._range = options.range
        self._timeout_s = config.reading_timeout_s
        self._templates = JobidTemplates(options.jobid)
        self._read_jobs = read_jobs if needs_jobs(options.jobid) else None
        self._parts: Mapping[str, Jobid | None] = {}
        self._index = JobIndex(config.grace_s)
        self._users, self._groups = getent.users(), getent.groups()
        tls = partial(tls_parameters, config.tls, secrets)
        self._api = PrometheusApi(
            HttpClient(options.prometheus_url.rstrip("/"), tls, self._timeout_s),
            partial(authorization, secrets, login) if login else dict,
        )

    async def read(self) -> LustreReading:
        """Read once.

        Raises:
            ReadError: where no query succeeds; the reason is that of the first.
        """
        stages = _Stages()
        queries = asyncio.gather(*(self._query(stages, measure) for measure in Measure))
        unlisted, answers = await asyncio.gather(self._list_jobs(stages), queries)
        vectors = {
            measure: answer
            for measure, answer in zip(Measure, answers, strict=True)
            if isinstance(answer, Vector)
        }
        failed = [answer for answer in answers if isinstance(answer, ReadError)]
        if not vectors:
            raise failed[0]
        # In another thread: large answers take longer than the event loop may be held up.
        parts = await asyncio.to_thread(self._split, vectors)
        unnamed = await self._look_up(stages, parts)
        return await asyncio.to_thread(
            self._join, stages, vectors, parts, unlisted, [*failed, unlisted, unnamed]
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._api.close()

    async def _list_jobs(self, stages: "_Stages") -> ReadError | None:
        """Take the jobs of the scheduler's snapshot; return why there are none."""
        if self._read_jobs is None:
            return None
        with stages.timed(STAGE_JOBS):
            try:
                async with asyncio.timeout(_FIRST_ANSWER * self._timeout_s):
                    listed = await self._read_jobs()
            except TimeoutError:
                self._index.withdraw()
                message = "jobs are not known: the scheduler has not answered yet"
                return ReadError(Reason.TIMEOUT, message)
            except ReadError as error:
                self._index.withdraw()
                return error
            await asyncio.to_thread(self._index.update, listed.jobs, listed.at_s)
        return None

    async def _query(self, stages: "_Stages", measure: Measure) -> Vector | ReadError:
        with stages.timed(STAGES[measure]):
            try:
                return await self._api.query(
                    expression(measure, self._range), _QUERIES * self._timeout_s
                )
            except ReadError as error:
                return error

    def _split(self, vectors: Mapping[Measure, Vector]) -> Mapping[str, Jobid | None]:
        ids = join.jobids(vector.samples for vector in vectors.values())
        self._parts = join.split(ids, self._templates, self._parts)
        return self._parts

    async def _look_up(
        self, stages: "_Stages", parts: Mapping[str, Jobid | None]
    ) -> ReadError | None:
        """Look up the names of users and groups; return why some have only their ids."""
        timeout_s, errors = _NAMES * self._timeout_s, []
        with stages.timed(STAGE_USERS):
            errors.append(await self._users.read(join.uids(parts.values()), timeout_s))
        with stages.timed(STAGE_GROUPS):
            wanted = join.gids(parts.values(), self._users.entries)
            errors.append(await self._groups.read(wanted, timeout_s))
        return next(filter(None, errors), None)

    def _join(
        self,
        stages: "_Stages",
        vectors: Mapping[Measure, Vector],
        parts: Mapping[str, Jobid | None],
        unlisted: ReadError | None,
        errors: list[ReadError | None],
    ) -> LustreReading:
        owners = join.find_owners(
            parts,
            self._index.current(time.monotonic()),
            self._users.entries,
            self._groups.entries,
            MissingOwner.SCHEDULER if unlisted else MissingOwner.JOB,
        )
        sums = {}
        for measure, vector in vectors.items():
            with stages.timed(STAGES[measure]):
                sums[measure] = join.join(vector.samples, owners, dimensions(measure))
        return LustreReading(
            sums=sums,
            stages=stages.seconds,
            jobids=join.count_owners(owners),
            unread=sum(vector.unread for vector in vectors.values()),
            note=self._note(vectors),
            error=next(filter(None, errors), None),
        )

    def _note(self, vectors: Mapping[Measure, Vector]) -> str:
        notes = [warning for vector in vectors.values() for warning in vector.warnings]
        if unread := sum(vector.unread for vector in vectors.values()):
            notes.append(f"{counted(unread, 'sample')} could not be read")
        if not any(vector.samples for vector in vectors.values()):
            notes.append(
                f"no job id has I/O within {self._range}: if file systems are in use, does this "
                "Prometheus scrape lustre_exporter?"
            )
        return "; ".join(dict.fromkeys(notes))


class _Stages:
    """How long each stage of one reading took; a stage may have several parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        started_s = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started_s
