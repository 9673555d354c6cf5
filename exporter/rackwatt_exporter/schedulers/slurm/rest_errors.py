"""What an answer means that is no list of nodes: of slurmrestd, or of what answers before it.

slurmrestd names no server and speaks JSON or plain words. A gateway names itself, shows a page, or
redirects to where people log in.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from rackwatt_crds.wording import counted
from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm import rest_models as slurm_reply
from rackwatt_exporter.schedulers.slurm.errors import reason_of
from rackwatt_exporter.schedulers.slurm.rest_models import Reply

NOT_LET_IN = (401, 403, 407, 511)
# Slurm 22.05 has the same words for a token refused and for a slurmctld that is gone. The first it
# says at once; the second only after two seconds of trying to reach it.
NAMELESS = "unspecified error"
AT_ONCE_S = 1.0

HINTS = {
    Reason.AUTH_FAILED: (
        "slurmrestd refuses the log-in: check key or token, user, clock, and Slurm's PrivateData"
        " (Slurm 22.05 wants `user` beside a token)"
    ),
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData=nodes hides them from this user",
    Reason.UNREACHABLE: "slurmrestd cannot reach slurmctld: is it running?",
    Reason.TIMEOUT: "slurmctld did not answer slurmrestd in time",
}
_NO_DATABASE = (
    "this version wants slurmdbd, which does not answer: run it, offer an older version, or name "
    "an older one in slurm.rest.version"
)
_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


class VersionError(ReadError):
    """A refusal of one version of the interface; another may answer. `gone`: it is not offered."""

    def __init__(self, reason: Reason, message: str, *, gone: bool = False) -> None:
        super().__init__(reason, message)
        self.gone = gone


def refusal(answer: HttpResponse, path: str) -> ReadError:
    """Find what an answer means that has not the status 200, or has errors."""
    try:
        reply = slurm_reply.reply(answer.body)
    except ReadError:
        reply = Reply()
    if reply.lacks_database:
        return VersionError(Reason.BAD_REPLY, f"{path}: {_NO_DATABASE}: {reply.error_text}")
    if not reply.error_text:
        return _wordless(answer, path)
    reason = _reason(answer, reply)
    message = HINTS.get(reason, f"slurmrestd answers with status {answer.status}")
    return ReadError(reason, f"{message}: {reply.error_text} ({path})")


def none_answers(failures: Sequence[VersionError]) -> ReadError:
    """Sum up why no version answers: the first one's reason, and that of others too."""
    first, *others = failures
    also = f"; {counted(len(others), 'older version')} failed too" if others else ""
    return VersionError(first.reason, f"{first}{also}", gone=any(one.gone for one in failures))


def without_subject(error: VersionError, path: str) -> ReadError:
    """Find what it means that a version which has nodes does not have something else."""
    if error.gone:
        message = f"slurmrestd has no {path}: it is older, or runs without that plugin (-s)"
        return ReadError(Reason.BAD_REPLY, message)
    message = f"slurmrestd cannot reach slurmdbd: is it running? ({path})"
    return ReadError(Reason.UNREACHABLE, message)


def _wordless(answer: HttpResponse, path: str) -> ReadError:
    """Find what a status alone means, and who it is of."""
    status, who = answer.status, _gateway(answer)
    if 300 <= status < 400 and (place := _place(answer)):
        by = f" by {who}" if who else ""
        message = f"{path} is redirected{by} to {place}: write slurmrestd's own URL in `url`"
        return ReadError(Reason.BAD_REPLY, f"{message}, or in `headers` what it requires")
    if status in NOT_LET_IN and who:
        message = f"{path}: status {status} by {who}, before slurmrestd"
        return ReadError(
            Reason.AUTH_FAILED, f"{message}: it may want `headers` or tls.clientSecretRef"
        )
    if status in NOT_LET_IN:
        return ReadError(Reason.AUTH_FAILED, HINTS[Reason.AUTH_FAILED])
    if status in (502, 503, 504) and who:
        message = f"{path}: status {status} by {who}: slurmrestd behind it does not answer"
        return ReadError(Reason.UNREACHABLE, message)
    by = f" by {who}" if who else ""
    message = f"{path} gives status {status}{by}: is url that of slurmrestd?"
    if status in (404, 501):
        return VersionError(Reason.BAD_REPLY, message, gone=True)
    return ReadError(Reason.BAD_REPLY, message)


def _reason(answer: HttpResponse, reply: Reply) -> Reason:
    if answer.status in NOT_LET_IN:
        return Reason.AUTH_FAILED
    if NAMELESS in reply.error_text.lower() and "20" < reply.version < "23":
        return Reason.AUTH_FAILED if answer.took_s < AT_ONCE_S else Reason.UNREACHABLE
    return reason_of(reply.error_text) or Reason.BAD_REPLY


def _gateway(answer: HttpResponse) -> str:
    """Name who answered, where it is not slurmrestd itself."""
    title = _TITLE.search(answer.body[:4096])
    words = printable(title[1]) if title else ""
    names = [answer.headers.get("server", ""), f"({words})" if words else ""]
    if scheme := answer.headers.get("www-authenticate", "").partition(" ")[0]:
        names.append(f"which wants {scheme}")
    return printable(" ".join(filter(None, names)), 160)


def _place(answer: HttpResponse) -> str:
    """Give the place a redirect leads to; its query may hold a secret."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return printable(f"{scheme}{host}{port}{parts.path}", 200)
