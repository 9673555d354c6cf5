"""Jobs of slurmrestd's answer, made into records while it arrives.

Whole, the answer of a large cluster takes several times its size in memory, and holds up the jobs
until its end.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.record_stream import (
    MAX_BYTES,
    RecordStream,
    RecordStreamError,
)
from rackwatt_exporter.schedulers.slurm.rest_jobs import JobRecord, read_jobs

_RECORDS = msgspec.json.Decoder(list[JobRecord])


class StreamedJobs(NamedTuple):
    """Jobs in parts, and the answer without them: a whole JSON text, with the last jobs in it."""

    parts: list[SlurmJobs]
    rest: bytes


async def read_job_stream(chunks: AsyncIterator[bytes], path: str) -> StreamedJobs:
    """Read an answer to its end; `path` is its path, for the message.

    Raises:
        ReadError: what `chunks` raises; bad_reply where there is no end of a job for too long.
    """
    stream, parts = RecordStream("jobs", _RECORDS), []
    async for chunk in chunks:
        if stream.feed(chunk):
            # In another thread: it takes longer than the event loop may be held up.
            parts.append(await asyncio.to_thread(_jobs, stream, path))
    return StreamedJobs(parts, stream.rest)


def _jobs(stream: RecordStream[JobRecord], path: str) -> SlurmJobs:
    try:
        return read_jobs(stream.divide())
    except RecordStreamError:
        message = f"{path} has {MAX_BYTES // 2**20} MiB without the end of a job"
        raise ReadError(Reason.BAD_REPLY, message) from None
