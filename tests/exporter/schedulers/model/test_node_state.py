"""One word for a node, from every spelling there is; the words are those of schedulers.md's facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import (
    NodeState,
    normalize_state,
    parse_state,
    power_exporter_state,
)
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

SUFFIXES = "*~#!%$@^-"
AT_WORK = ["allocated", "mixed", "completing", "draining", "failing"]


@pytest.mark.parametrize(
    ("complete", "long", "word"),
    [
        ("idle", "idle", "idle"),
        ("allocated", "allocated", "allocated"),
        ("mixed", "mixed", "mixed"),
        ("mixed+planned", "mixed-", "mixed"),
        ("mixed+completing", "completing", "completing"),
        ("allocated+drain", "draining", "draining"),
        ("mixed+drain+reboot_requested", "draining@", "draining"),
        ("idle+completing", "completing", "completing"),
        ("idle+completing+drain", "draining", "draining"),
        ("idle+drain", "drained", "drained"),
        ("idle+drain+not_responding", "drained*", "drained"),
        ("down+drain", "drained", "drained"),
        ("down", "down", "down"),
        ("down+not_responding", "down*", "down"),
        ("down+maintenance+reserved+not_responding", "down$", "down"),
        ("down+powered_down", "down~", "down"),
        ("down+reboot_issued", "reboot^", "rebooting"),
        ("idle+not_responding", "idle*", "not_responding"),
        ("idle+maintenance+not_responding", "maint*", "not_responding"),
        ("idle+cloud+powered_down", "idle~", "powered_down"),
        ("idle+cloud+powering_up+not_responding", "idle#", "powering_up"),
        ("idle+powering_down", "idle%", "powering_down"),
        ("idle+power_down", "idle!", "idle"),
        ("idle+reboot_requested", "idle@", "idle"),
        ("idle+reboot_issued", "idle^", "rebooting"),
        ("idle+planned", "planned", "planned"),
        ("idle+reserved", "reserved", "reserved"),
        ("idle+maintenance+reserved", "maint", "maintenance"),
        ("allocated+not_responding", "allocated*", "allocated"),
        ("allocated+powering_up", "allocated#", "allocated"),
        ("allocated+completing", "allocated+", "allocated"),
        ("mixed+maintenance+reserved", "mixed$", "mixed"),
        ("idle+fail", "fail", "fail"),
        ("allocated+fail", "failing", "failing"),
        ("idle+invalid_reg", "inval", "invalid_reg"),
        ("unknown", "unknown*", "unknown"),
        ("future", "future", "future"),
        ("error", "error", "error"),
        ("idle+cloud+dynamic_norm", "idle", "idle"),
    ],
)
def test_the_complete_and_the_long_spelling_are_the_same_word(
    complete: str, long: str, word: str
) -> None:
    base, *flags = complete.upper().split("+")
    assert parse_state(complete).state == word
    assert parse_state(long).state == word
    assert normalize_state((base, *flags)).state == word
    assert normalize_state((base.lower(), *reversed(flags))).state == word


def test_a_word_we_do_not_know_is_passed_on() -> None:
    assert parse_state("hibernating").state == "hibernating"
    assert normalize_state(("HIBERNATING",)).state == "hibernating"


def test_a_flag_we_do_not_know_keeps_a_node_from_being_idle_but_not_from_its_work() -> None:
    assert normalize_state(("IDLE", "ENTANGLED")).state == "entangled"
    assert normalize_state(("IDLE", "PLANNED", "ENTANGLED")).state == "entangled"
    assert normalize_state(("ALLOCATED", "ENTANGLED")).state == "allocated"
    assert normalize_state(("DOWN", "ENTANGLED")).state == "down"


def test_a_strange_word_is_fit_for_a_label() -> None:
    assert normalize_state(('X"\n' + "y" * 200,)).state == "x_" + "y" * 38


@given(st.sampled_from(AT_WORK), st.text(SUFFIXES, max_size=4))
def test_no_suffix_takes_the_work_from_a_node(word: str, suffixes: str) -> None:
    assert power_exporter_state(parse_state(word + suffixes).state) == "allocated"


@given(st.sampled_from(["down", "drained", "unknown", "error", "fail"]), st.text(SUFFIXES))
def test_no_suffix_makes_a_broken_node_idle_or_allocated(word: str, suffixes: str) -> None:
    assert power_exporter_state(parse_state(word + suffixes).state) not in ("idle", "allocated")


@given(st.text(SUFFIXES, min_size=1))
def test_a_free_node_with_something_against_it_is_not_idle(suffixes: str) -> None:
    against = set(suffixes) & set("*~#%^")
    assert (power_exporter_state(parse_state("idle" + suffixes).state) == "idle") == (not against)


@given(st.text())
def test_any_text_is_a_state(text: str) -> None:
    assert parse_state(text).state


@given(st.lists(st.text()))
def test_any_words_are_a_state_and_only_idle_ones_are_idle(words: list[str]) -> None:
    state = normalize_state(tuple(words)).state
    assert state
    assert state != "idle" or "idle" in {word.lower() for word in words}


@pytest.mark.parametrize("state", list(NodeState))
def test_the_profile_says_allocated_or_idle_or_the_word_itself(state: NodeState) -> None:
    at_work = {"allocated", "completing", "draining", "mixed", "failing"}
    ready = {"idle", "planned", "reserved", "maintenance", "blocked"}
    expected = "allocated" if state in at_work else "idle" if state in ready else state
    assert power_exporter_state(state) == expected


def test_the_profile_passes_a_foreign_word_on() -> None:
    assert power_exporter_state("hibernating") == "hibernating"


@pytest.mark.parametrize(
    ("text", "base", "flags"),
    [
        ("IDLE+DRAIN", "idle", ("drain",)),
        ("down+drain+not_responding", "down", ("drain", "not_responding")),
        ("mixed-", "mixed", ("planned",)),
        ("idle+cloud+powered_down", "idle", ("cloud", "powered_down")),
        ("allocated+", "allocated", ()),
        ("drained*", None, ("drain", "not_responding")),
        ("reboot^", None, ("reboot_issued",)),
        ("idle+entangled", "idle", ("entangled",)),
        ("allocated+drain+drain", "allocated", ("drain",)),
        ("<html>", None, ()),
    ],
)
def test_base_state_and_flags_are_those_of_the_text(
    text: str, base: str | None, flags: tuple[str, ...]
) -> None:
    assert parse_state(text)[1:] == (base, flags)


@given(st.lists(st.text() | st.sampled_from(["IDLE", "DRAIN", "DOWN", "PLANNED"])))
def test_any_base_state_and_flags_are_fit_for_a_relay(words: list[str]) -> None:
    snapshot = SchedulerSnapshot({"n1": SchedulerNode(*normalize_state(tuple(words)))})
    assert relay.decode(relay.encode(snapshot)) == snapshot
