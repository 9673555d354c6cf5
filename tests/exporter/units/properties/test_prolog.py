from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.units.properties.job import JobProperties
from rackwatt_exporter.units.properties.prolog import of_file, parsed


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (b"alice physics n[1-2]\n", JobProperties("alice", "physics", "n[1-2]")),
        (b"  alice\tphysics  n1 2 3\nsecond line\n", JobProperties("alice", "physics", "n1")),
        (
            b"alice physics n1 SLURM_JOB_NAME=train SLURM_CLUSTER_NAME=prod NOTE_SLURM_JOB_NAME=x",
            JobProperties("alice", "physics", "n1", "train", "prod"),
        ),
        (b"alice physics n1 SLURM_JOB_USER=root", JobProperties("alice", "physics", "n1")),
        (b"a p n SLURM_JOB_START_TIME=17\n", JobProperties("a", "p", "n", start="17")),
    ],
)
def test_a_file_has_user_account_and_nodes_and_whatever_else_is_ignored(
    text: bytes, known: JobProperties
) -> None:
    assert parsed(text, "7") == known


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"alice", b"alice physics\n", b"\xff a b", b"a\0 b c"]
)
def test_a_file_without_three_words_is_no_guess(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"^/run/props/7: "):
        parsed(text, "/run/props/7")


def test_a_file_that_is_not_there_is_unknown_and_a_directory_is_a_reason(tmp_path: Path) -> None:
    assert of_file(tmp_path / "7") is None
    with pytest.raises(ValueError, match="Is a directory"):
        of_file(tmp_path)


@given(st.binary(max_size=200))
def test_any_text_is_properties_or_a_reason(text: bytes) -> None:
    try:
        known = parsed(text, "x")
    except ValueError as error:
        assert str(error).isprintable()
    else:
        assert all(map(str.isprintable, known))
        assert known.user
