from pathlib import Path

import pytest

from tests.operator.manifests.golden import CASES, golden, rendered


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_document_becomes_what_was_agreed_on(case: Path) -> None:
    assert rendered(case) == golden(case).read_text(), "see tests/operator/manifests/golden.py"


def test_nothing_agreed_on_is_without_its_document() -> None:
    assert sorted(golden(CASES[0]).parent.iterdir()) == [golden(case) for case in CASES]
