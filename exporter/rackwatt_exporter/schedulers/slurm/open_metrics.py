"""Snapshots from slurmctld's own metrics, which it serves on its port from Slurm 25.11 on.

They are numbers: no state of a node by its name, no list of jobs. All are of one daemon, so that
one answer that fails fails the poll. slurmctld serves an empty page where no MetricsType is set.
With PrivateData or MetricsAuthUsers it lets in who has a token that it can verify, which 26.05 does
by SlurmctldHttpAuthParameters; 25.11 refuses every client then (NEWS of Slurm 26.05).
"""

import asyncio
from collections.abc import Collection
from functools import partial

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.tls import tls_parameters
from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import open_metrics_text as metrics
from rackwatt_exporter.schedulers.slurm.options import SlurmMetricsOptions
from rackwatt_exporter.schedulers.slurm.request_headers import RequestHeaders
from rackwatt_exporter.schedulers.slurm.rest_errors import redirect_place

NODES = "/metrics/nodes"
JOBS = "/metrics/jobs"
USERS = "/metrics/jobs-users-accts"
PARTITIONS = "/metrics/partitions"
SCHEDULER = "/metrics/scheduler"
_ANONYMOUS = (
    "Give `slurm.openMetrics` the token of a user in MetricsAuthUsers of slurm.conf, or leave "
    "PrivateData and MetricsAuthUsers out of it, or poll slurmrestd or the commands."
)
_REFUSED = (
    "slurm.conf must have SlurmctldHttpAuthParameters=jwt_key=FILE with the key of this token, "
    "from Slurm 26.05 on, and the token's user in MetricsAuthUsers."
)
_PRIMARY = (
    "Write the URL of the primary slurmctld, the first SlurmctldHost of slurm.conf, in "
    "`slurm.openMetrics.url`."
)
# With status 500: no such user on the host of slurmctld.
_NO_SUCH_USER = b"Rejecting authentication"
_OLDER = "slurmctld serves metrics from Slurm 25.11 on: is it older?"
_NOTE = "slurmctld's metrics have neither the state of a node nor a list of jobs"


class SlurmOpenMetrics:
    """The metrics of one slurmctld; `fields` are what a snapshot has beside nodes and jobs."""

    def __init__(
        self,
        options: SlurmMetricsOptions,
        secrets: Secrets,
        timeout_s: float,
        fields: Collection[str] = (),
    ) -> None:
        self._service = HttpClient(
            options.url, partial(tls_parameters, options.tls, secrets), timeout_s
        )
        self._headers = RequestHeaders(options, secrets)
        self._timeout_s = timeout_s
        self._fields = frozenset(fields)

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot without nodes and jobs.

        Raises:
            ReadError: with the reason.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._read()
        except TimeoutError:
            raise ReadError(Reason.TIMEOUT, "slurmctld did not send all metrics in time") from None

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()

    async def _read(self) -> SchedulerSnapshot:
        nodes = metrics.node_numbers(metrics.parse_totals(await self._get(NODES)))
        jobs = metrics.parse_totals(await self._get(JOBS))
        by_base, by_flag = metrics.jobs_by_base(jobs), metrics.jobs_by_flag(jobs)
        of_users = metrics.parse_samples(await self._get(USERS))
        queues = partitions = diagnostics = None
        if "queues" in self._fields:
            of_partitions = metrics.parse_samples(await self._get(PARTITIONS))
            queues = metrics.queues(of_partitions)
            partitions = metrics.jobs_by_label(of_partitions, "partition")
        if "diagnostics" in self._fields:
            diagnostics = metrics.diagnostics(metrics.parse_totals(await self._get(SCHEDULER)))
        numbers = Numbers(
            nodes.by_base,
            nodes.by_flag,
            by_base,
            by_flag,
            metrics.jobs_by_label(of_users, "user"),
            metrics.jobs_by_label(of_users, "account"),
            partitions,
        )
        issued_at_s, expires_at_s = self._headers.token_times
        return SchedulerSnapshot(
            {},
            token_issued_at_s=issued_at_s,
            token_expires_at_s=expires_at_s,
            unread=nodes.unread,
            note=_NOTE,
            numbers=numbers,
            queues=queues,
            diagnostics=diagnostics,
        )

    async def _get(self, path: str) -> bytes:
        try:
            headers = {"Accept": "text/plain"} | dict(self._headers.get())
            answer = await self._service.get(path, headers)
        except ReadError as error:
            if error.reason is not Reason.BAD_REPLY:
                raise
            raise ReadError(error.reason, f"{error}: {_OLDER}") from None
        if answer.status in (401, 403) or _NO_SUCH_USER in answer.body[:1_000]:
            message = f"slurmctld refuses {path}: {quoted(answer.body, 160)}"
            remedy = _REFUSED if self._headers.authenticate else _ANONYMOUS
            raise self._headers.refused(ReadError(Reason.AUTH_FAILED, message, remedy=remedy))
        if 300 <= answer.status < 400:  # a standby answers so, of several SlurmctldHost
            message = f"{path} is redirected to {redirect_place(answer)}: is this a standby?"
            raise ReadError(Reason.BAD_REPLY, message, remedy=_PRIMARY)
        if answer.status != 200:
            message = f"{path}: status {answer.status}: {quoted(answer.body, 160)}"
            raise ReadError(Reason.BAD_REPLY, message)
        return answer.body
