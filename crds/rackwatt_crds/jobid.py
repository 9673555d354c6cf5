"""Templates of Lustre's job ids: how the clients compose them, and how one is split again.

A job id is text that each client makes of its `jobid_name`, so its parts have to be found by where
they are. A template is compiled into a pattern of a whole job id. What fits none is no job's: a
wrong guess would be another user's I/O (Lustre Operations Manual, chapter Lustre Jobstats).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

PROCNAME_UID = "procname_uid"
"""Lustre's own name of the template `%e.%u`."""

MAX_JOBID_LENGTH = 255
_MAX_ID = 2**32 - 1
_NUMBER = "[0-9]{1,10}"
_HOST = r"[^\s:/]+"
_FIELDS = {
    "e": r".+",  # the name of a process may hold anything
    "g": _NUMBER,
    "h": _HOST,
    "H": _HOST,
    "j": r"[0-9ƒ][^\s:/]*",  # ids of jobs begin with a digit, or as Flux's do
    "p": _NUMBER,
    "u": _NUMBER,
}
_PARTS = re.compile(r"%(.?)|[^%]+", re.DOTALL)


class Jobid(NamedTuple):
    """The parts of a job id; None for what its template does not have."""

    job: str | None = None
    process: str | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class _Template:
    pattern: re.Pattern[str]
    fields: int

    def split(self, jobid: str) -> Jobid | None:
        match = self.pattern.fullmatch(jobid)
        if match is None:
            return None
        part = match.groupdict()
        uid, gid = (int(part[name]) if part.get(name) else None for name in "ug")
        if max(uid or 0, gid or 0) > _MAX_ID:
            return None
        return Jobid(part.get("j"), part.get("e"), uid, gid)


class JobidTemplates:
    """The templates of a document. Where several fit, that with the most fields counts."""

    def __init__(self, templates: Iterable[str]) -> None:
        """Compile the templates.

        Raises:
            ValueError: one of them is none.
        """
        compiled = map(_compile, templates)
        self._templates = sorted(compiled, key=lambda one: one.fields, reverse=True)

    def split(self, jobid: str) -> Jobid | None:
        """Return the parts of a job id; None where it fits no template."""
        if len(jobid) > MAX_JOBID_LENGTH:
            return None
        fitting = (template.split(jobid) for template in self._templates)
        return next((parts for parts in fitting if parts is not None), None)


def needs_jobs(templates: Iterable[str]) -> bool:
    """Return whether any template names a job of the scheduler."""
    return any("%j" in template for template in templates)


def _compile(template: str) -> _Template:
    text = "%e.%u" if template == PROCNAME_UID else template
    pattern, seen, after_field = "", set[str](), False
    for part in _PARTS.finditer(text):
        letter = part[1]
        if letter is None:
            pattern, after_field = pattern + re.escape(part[0]), False
            continue
        if letter not in _FIELDS:
            raise ValueError(f"{part[0]!r} is no field of it: known are {_known()}")
        if letter in seen:
            raise ValueError(f"%{letter} is in it twice")
        if after_field:
            raise ValueError(f"nothing separates %{letter} from the field before it")
        pattern, after_field = f"{pattern}(?P<{letter}>{_FIELDS[letter]})", True
        seen.add(letter)
    if not seen & {"j", "u"}:
        raise ValueError("it names neither a job (%j) nor a user (%u)")
    return _Template(re.compile(pattern), len(seen))


def _known() -> str:
    return ", ".join(f"%{letter}" for letter in _FIELDS)
