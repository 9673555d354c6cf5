"""Node states from slurmrestd, whichever version of its interface it speaks.

Each Slurm release offers three or four versions of the interface, so one is chosen from what it
describes and kept until it is gone.
"""

from rackwatt_exporter.protocols.http import Answer, HttpService
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import slurm_reply
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.schedulers.slurm_failures import reason_of
from rackwatt_exporter.schedulers.slurm_reply import Reply
from rackwatt_exporter.schedulers.slurm_token import token
from rackwatt_exporter.settings.binding import SlurmRestOptions
from rackwatt_exporter.settings.secrets import Secrets

OPENAPI = "/openapi/v3"
NOT_LET_IN = (401, 403, 511)
# Slurm 22.05 has the same words for a token refused and for a slurmctld that is gone. The first it
# says at once; the second only after two seconds of trying to reach it.
NAMELESS = "unspecified error"
AT_ONCE_S = 1.0

HINTS = {
    Reason.AUTH_FAILED: (
        "slurmrestd does not let us in: check key or token, user, clock, and Slurm's PrivateData"
        " (Slurm 22.05 wants `user` beside a token)"
    ),
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData=nodes hides them from this user",
    Reason.UNREACHABLE: "slurmrestd cannot reach slurmctld: is it running?",
    Reason.TIMEOUT: "slurmctld did not answer slurmrestd in time",
}


class SlurmRest:
    """One slurmrestd. While nothing has changed it says only that, and the last states stay."""

    def __init__(self, options: SlurmRestOptions, secrets: Secrets, timeout_s: float) -> None:
        self._user = options.user
        self._token = token(options, secrets)
        self._service = HttpService(options.url, options.tls, secrets, timeout_s)
        self._path: str | None = None
        self._last: NodeStates | None = None
        self._updated_s: int | None = None

    async def read(self) -> NodeStates:
        """Read the state of every node.

        Raises:
            ReadError: with the reason.
        """
        try:
            return await self._read()
        except ReadError as error:
            self._last = self._updated_s = None
            if error.reason is Reason.AUTH_FAILED:
                self._token.refused()
            raise

    async def close(self) -> None:
        """Close the connection."""
        await self._service.close()

    async def _read(self) -> NodeStates:
        path = self._path or await self._negotiated()
        since = {"update_time": self._updated_s} if self._updated_s else None
        answer = await self._get(path, since)
        if answer.status == 304 and self._last is not None:
            return self._last
        if since and answer.status != 200:
            # Slurm 24.11 fails at this question when nodes have changed and partitions have not.
            answer = await self._get(path)
        if answer.status == 404:  # another Slurm answers than the one whose version we know
            path = await self._negotiated()
            answer = await self._get(path)
        if answer.status != 200:
            raise _refusal(answer, path)
        reply = slurm_reply.reply(answer.body)
        if reply.told:
            raise _refusal(answer, path)
        self._last, self._updated_s = reply.states(), reply.updated_s
        return self._last

    async def _negotiated(self) -> str:
        self._path = None
        answer = await self._get(OPENAPI)
        if answer.status != 200:
            raise _refusal(answer, OPENAPI)
        self._path = slurm_reply.nodes_path(answer.body)
        return self._path

    async def _get(self, path: str, query: dict[str, int] | None = None) -> Answer:
        headers = {"X-SLURM-USER-TOKEN": self._token.get()}
        if self._user:
            headers["X-SLURM-USER-NAME"] = self._user
        return await self._service.get(path, headers, query)


def _refusal(answer: Answer, path: str) -> ReadError:
    """Find what an answer stands for that has not the status 200, or tells of errors."""
    try:
        reply = slurm_reply.reply(answer.body)
    except ReadError:
        reply = Reply()
    if not reply.told and answer.status not in NOT_LET_IN:
        told = f"{path} gives status {answer.status}: is url that of slurmrestd?"
        return ReadError(Reason.BAD_REPLY, told)
    reason = _reason(answer, reply)
    told = HINTS.get(reason, f"slurmrestd answers with status {answer.status}")
    return ReadError(reason, f"{told}: {reply.told}" if reply.told else told)


def _reason(answer: Answer, reply: Reply) -> Reason:
    if answer.status in NOT_LET_IN:
        return Reason.AUTH_FAILED
    if NAMELESS in reply.told.lower() and "20" < reply.version < "23":
        return Reason.AUTH_FAILED if answer.took_s < AT_ONCE_S else Reason.UNREACHABLE
    return reason_of(reply.told) or Reason.BAD_REPLY
