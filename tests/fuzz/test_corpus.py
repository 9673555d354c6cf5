"""Every seed and every input that was ever a finding, through its harness, without atheris."""

import pytest

from tests.fuzz.harness import Harness, harnesses


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
