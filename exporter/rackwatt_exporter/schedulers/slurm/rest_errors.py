"""Reasons of answers that are no list of nodes: of slurmrestd, or of what answers before it.

slurmrestd names no server and speaks JSON or plain words. A gateway names itself, shows a page, or
redirects to where people log in.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from rackwatt_crds.wording import counted
from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.protocols.http.error_words import error_words, page_title
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm import rest_models as slurm_reply
from rackwatt_exporter.schedulers.slurm.errors import reason_of
from rackwatt_exporter.schedulers.slurm.rest_models import NodesResponse

NOT_LET_IN = (401, 403, 407, 511)
NOT_OFFERED = (404, 501)
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
_REFUSED = "slurmrestd, or a gateway before it, refuses the log-in: check key or token, user, clock"
_OWN_WORDS = b"Authentication failure"
_NO_DATABASE = "this version wants slurmdbd, which does not answer"
_DATABASE = (
    "Start slurmdbd, let slurmrestd offer an older version beside it (its `-d`), or name one in "
    "`slurm.rest.version`."
)
_GATEWAY = (
    "Write slurmrestd's own URL in `slurm.rest.url`, or give the gateway before it what it "
    "requires: `slurm.rest.headers`, `slurm.rest.tls.clientSecretRef`."
)


class VersionError(ReadError):
    """A refusal of one version of the interface; another may answer. `gone`: it is not offered."""

    def __init__(
        self, reason: Reason, message: str, *, gone: bool = False, remedy: str | None = None
    ) -> None:
        super().__init__(reason, message, remedy=remedy)
        self.gone = gone


class DatabaseError(VersionError):
    """A refusal of a version that wants slurmdbd."""


def refusal(answer: HttpResponse, path: str) -> ReadError:
    """Find what an answer means that has not the status 200, or has errors."""
    try:
        reply = slurm_reply.reply(answer.body)
    except ReadError:
        reply = NodesResponse()
    if reply.lacks_database:
        message = f"{path}: {_NO_DATABASE}: {reply.error_text}"
        return DatabaseError(Reason.BAD_REPLY, message, remedy=_DATABASE)
    if not reply.error_text:
        return _of_gateway(answer, path)
    reason, gone = _reason(answer, reply), answer.status in NOT_OFFERED
    hint = HINTS.get(reason, f"slurmrestd answers with status {answer.status}")
    message = f"{hint}: {reply.error_text} ({path})"
    if gone or reason is Reason.BAD_REPLY:  # no words that every version would have
        return VersionError(reason, message, gone=gone)
    return ReadError(reason, message)


def none_answers(failures: Sequence[VersionError]) -> ReadError:
    """Sum up why no version answers: the first one's reason, and that of others too."""
    first, *others = failures
    also = f"; {counted(len(others), 'older version')} failed too" if others else ""
    gone = any(one.gone for one in failures)
    return VersionError(first.reason, f"{first}{also}", gone=gone, remedy=first.remedy)


def version_not_offered(error: VersionError, version: str, paths: Sequence[str]) -> ReadError:
    """Say which versions there are; `paths` are where each of them has nodes, the best first."""
    versions = ", ".join(path.strip("/").split("/")[1] for path in paths)
    message = f"slurmrestd offers {versions}, not `version` {version}: {error}"
    return VersionError(error.reason, message, gone=True)


def without_subject(error: VersionError, path: str) -> ReadError:
    """Find what it means that a version which has nodes does not have something else."""
    if error.gone:
        message = f"slurmrestd has no {path}: it is older, or runs without that plugin (-s)"
        return ReadError(Reason.BAD_REPLY, message)
    if not isinstance(error, DatabaseError):
        return error
    message = f"slurmrestd cannot reach slurmdbd: is it running? ({path})"
    return ReadError(Reason.UNREACHABLE, message)


def _of_gateway(answer: HttpResponse, path: str) -> ReadError:
    """Find what an answer without slurmrestd's own errors means, and who it is of."""
    status, who, words = answer.status, _gateway(answer), _words(answer)
    if 300 <= status < 400 and (place := redirect_place(answer)):
        by = f" by {who}" if who else ""
        message = f"{path} is redirected{by} to {place}: write slurmrestd's own URL in `url`"
        text = f"{message}, or in `headers` what it requires"
        return ReadError(Reason.BAD_REPLY, text, remedy=_GATEWAY)
    if status in NOT_LET_IN and who:
        message = f"{path}: status {status} by {who}, before slurmrestd{words}"
        text = f"{message}: it may want `headers` or tls.clientSecretRef"
        return ReadError(Reason.AUTH_FAILED, text, remedy=_GATEWAY)
    if status in NOT_LET_IN and answer.body.strip() == _OWN_WORDS:
        message = f"{HINTS[Reason.AUTH_FAILED]} ({path}: status {status}{words})"
        return ReadError(Reason.AUTH_FAILED, message)
    if status in NOT_LET_IN:
        return ReadError(Reason.AUTH_FAILED, f"{_REFUSED} ({path}: status {status}{words})")
    if status in (502, 503, 504) and who:
        message = f"{path}: status {status} by {who}: slurmrestd behind it does not answer{words}"
        return ReadError(Reason.UNREACHABLE, message)
    by = f" by {who}" if who else ""
    message = f"{path} gives status {status}{by}{words}: is url that of slurmrestd?"
    if status in NOT_OFFERED:
        return VersionError(Reason.BAD_REPLY, message, gone=True)
    return ReadError(Reason.BAD_REPLY, message)


def _reason(answer: HttpResponse, reply: NodesResponse) -> Reason:
    if answer.status in NOT_LET_IN:
        return Reason.AUTH_FAILED
    if NAMELESS in reply.error_text.lower() and "20" < reply.version < "23":
        return Reason.AUTH_FAILED if answer.took_s < AT_ONCE_S else Reason.UNREACHABLE
    return reason_of(reply.error_text) or Reason.BAD_REPLY


def _gateway(answer: HttpResponse) -> str:
    """Name who answered, where it is not slurmrestd itself."""
    title = page_title(answer.body)
    names = [answer.headers.get("server", ""), f"({title})" if title else ""]
    if scheme := quoted(answer.headers.get("www-authenticate", "")).partition(" ")[0]:
        names.append(f"which wants {scheme}")
    return quoted(" ".join(filter(None, names)), 160)


def _words(answer: HttpResponse) -> str:
    """Return what a response says beside the title of a page, as the rest of a sentence."""
    words = "" if page_title(answer.body) else error_words(answer.body)
    return f": {words}" if words else ""


def redirect_place(answer: HttpResponse) -> str:
    """Return the place a redirect leads to, without its query, which may hold a secret."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return quoted(f"{scheme}{host}{port}{parts.path}", 200)
