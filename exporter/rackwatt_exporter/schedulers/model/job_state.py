"""State of a job in one word, the same for every scheduler and version.

Each scheduler has letters or words of its own; its adapter maps them to these. Slurm's are words
already: a base state with flags, of which its text shows one alone. A word that is not known, as a
newer scheduler may bring, is passed on as data.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.fields import plain_word


class JobState(StrEnum):
    """The words we know. A state is one of them, or a scheduler's own word in lower case.

    `held` is a state where the scheduler has it as one (PBS, Grid Engine, HTCondor); a job that
    Slurm holds is pending, with a reason.
    """

    PENDING = "pending"
    HELD = "held"
    CONFIGURING = "configuring"
    RUNNING = "running"
    SUSPENDED = "suspended"
    COMPLETING = "completing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    NODE_FAIL = "node_fail"
    PREEMPTED = "preempted"
    BOOT_FAIL = "boot_fail"
    OUT_OF_MEMORY = "out_of_memory"
    ERROR = "error"
    UNKNOWN = "unknown"


WAITING = frozenset({JobState.PENDING, JobState.HELD})
# A job in one of these has its nodes.
ACTIVE = frozenset(
    {JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED, JobState.COMPLETING}
)
# A job in one of these has released all that it held.
ENDED = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.TIMEOUT,
        JobState.DEADLINE,
        JobState.NODE_FAIL,
        JobState.PREEMPTED,
        JobState.BOOT_FAIL,
        JobState.OUT_OF_MEMORY,
    }
)

# Slurm's flags, the one that counts first; its own text shows the first of them that a job has
# (slurm_protocol_defs.c, job_state_string).
_FLAGS = {
    "completing": JobState.COMPLETING,
    "stage_out": JobState.COMPLETING,
    "configuring": JobState.CONFIGURING,
    "power_up_node": JobState.CONFIGURING,
    "resizing": JobState.RUNNING,
    "requeue_hold": JobState.PENDING,
    "special_exit": JobState.PENDING,
    "requeued": JobState.PENDING,
    "requeue_fed": JobState.PENDING,
    "resv_del_hold": JobState.PENDING,
    "stopped": JobState.RUNNING,
    "revoked": JobState.CANCELLED,
    "signaling": JobState.RUNNING,
}
_SYNONYMS = {"nodefail": "node_fail", "outofmemory": "out_of_memory", "canceled": "cancelled"}
_KNOWN = frozenset(JobState)
_MAX_STRANGE = 40
_MAX_FLAGS = 64


class ParsedJobState(NamedTuple):
    """One word for what a job does, and the other words that were reported with it."""

    state: str
    flags: tuple[str, ...]


@lru_cache(256)
def normalize_job_state(words: tuple[str, ...]) -> ParsedJobState:
    """Parse a base state and its flags, in any case and order; no word at all is `unknown`."""
    spelled = dict.fromkeys(filter(None, map(_plain, words)))
    decided = (
        *(mapped for flag, mapped in _FLAGS.items() if flag in spelled),
        *(word for word in spelled if word in _KNOWN),
        *spelled,
        JobState.UNKNOWN,
    )
    state = str(decided[0])
    flags = tuple(word for word in spelled if word != state)
    return ParsedJobState(state, flags[:_MAX_FLAGS])


def _plain(word: str) -> str:
    plain = plain_word(word, _MAX_STRANGE)
    return _SYNONYMS.get(plain, plain)
