"""States of jobs: one word whichever scheduler spelled it, and no word is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    ENDED,
    WAITING,
    JobState,
    normalize_job_state,
)


@pytest.mark.parametrize(
    ("words", "state", "flags"),
    [
        (("RUNNING",), "running", ()),
        (("RUNNING", "CONFIGURING"), "configuring", ("running",)),
        (("COMPLETED", "COMPLETING"), "completing", ("completed",)),
        (("COMPLETING",), "completing", ()),
        (("CANCELLED", "REQUEUED", "COMPLETING"), "completing", ("cancelled", "requeued")),
        (("PENDING", "REQUEUE_HOLD"), "pending", ("requeue_hold",)),
        (("REQUEUE_HOLD",), "pending", ("requeue_hold",)),
        (("STOPPED",), "running", ("stopped",)),
        (("NODE_FAIL",), "node_fail", ()),
        (("OUT_OF_MEMORY",), "out_of_memory", ()),
        (("Canceled",), "cancelled", ()),
        (("RUNNING", "QUANTUM-ENTANGLED"), "running", ("quantum_entangled",)),
        (("ZOMBIE",), "zombie", ()),
        (("",), "unknown", ()),
        ((), "unknown", ()),
    ],
)
def test_a_job_has_one_state_and_its_other_words_as_flags(
    words: tuple[str, ...], state: str, flags: tuple[str, ...]
) -> None:
    assert normalize_job_state(words) == (state, flags)


@given(st.lists(st.text(max_size=80), max_size=70).map(tuple))
def test_any_words_of_a_job_are_a_state_that_fits_a_snapshot(words: tuple[str, ...]) -> None:
    state, flags = normalize_job_state(words)
    assert all(re.fullmatch(r"[a-z0-9_]{1,64}", word) for word in (state, *flags))
    assert len(flags) <= 64
    Job("1", state, flags)


def test_a_job_waits_holds_nodes_or_has_ended_or_that_is_not_known() -> None:
    undecided = {JobState.ERROR, JobState.UNKNOWN}
    assert WAITING | ACTIVE | ENDED | undecided == set(JobState)
    assert len(WAITING) + len(ACTIVE) + len(ENDED) + len(undecided) == len(JobState)
