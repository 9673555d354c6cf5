"""The format that the exporter gives sinfo and squeue, and the mark by which it knows their lines.

A login shell may print anything before, behind and between, even all columns of a node or a job.
Nothing but these two commands prints the mark, which is a part of the format.
"""

from collections.abc import Sequence

MARK = "|rackwatt|"  # behind the first column of each line


def output_format(columns: Sequence[str]) -> str:
    """Return the value of `-O` for some columns, each of which ends in `|`.

    Without an end of its own, a column that is longer than 20 characters is cut.
    """
    ends = (MARK, *"|" * (len(columns) - 1))
    return ",".join(f"{column}:{end}" for column, end in zip(columns, ends, strict=True))
