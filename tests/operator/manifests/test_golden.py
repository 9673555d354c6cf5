from pathlib import Path

import pytest

from tests.operator.manifests.golden import CASES, golden, rendered


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_manifests_equal_their_golden_files(case: Path) -> None:
    assert rendered(case) == golden(case).read_text(), "see tests/operator/manifests/golden.py"


def test_golden_files_all_have_a_case() -> None:
    assert sorted(golden(CASES[0]).parent.iterdir()) == [golden(case) for case in CASES]
