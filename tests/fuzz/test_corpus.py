"""Every seed and every input that was ever a finding, through its harness, without atheris."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.harness import Harness, harnesses
from tests.fuzz.json_mutator import mutated

MAX_BYTES = 8192
JSON = [each for each in harnesses() if each.load()[1]]


@pytest.mark.parametrize("harness", harnesses(), ids=lambda harness: harness.name)
def test_no_input_of_the_corpus_breaks_its_parser(harness: Harness) -> None:
    examine, _ = harness.load()
    seeds = sorted(harness.corpus.iterdir())
    assert seeds
    for seed in seeds:
        try:
            examine(seed.read_bytes())
        except BaseException as error:
            error.add_note(f"at {seed}")
            raise


@pytest.mark.parametrize("harness", harnesses(), ids=lambda harness: harness.name)
def test_nothing_at_all_breaks_no_parser(harness: Harness) -> None:
    examine, _ = harness.load()
    examine(b"")


@pytest.mark.parametrize("harness", JSON, ids=lambda harness: harness.name)
@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 1000), seed=st.integers(0, 2**32))
def test_a_seed_changed_a_little_breaks_no_parser(harness: Harness, place: int, seed: int) -> None:
    """Every captured version of Slurm, every maker's Redfish, with a branch cut, moved or put on."""
    examine, _ = harness.load()
    seeds = sorted(harness.corpus.iterdir())
    changed = mutated(seeds[place % len(seeds)].read_bytes(), MAX_BYTES, seed)
    if changed is not None:
        examine(changed)
