"""Ids of Slurm's jobs: arrays and heterogeneous jobs, and how many tasks a list has.

`8_3` is a task, `8_[4-9%2]` the tasks that wait, `4+1` a component of a heterogeneous job. Lists
are counted and not expanded: an array of 20,000 tasks is one record.
"""

import re
from typing import NamedTuple, Self

from rackwatt_exporter.schedulers.model.job import MAX_TASKS

ID = r"[0-9]{1,19}(?:_(?:[0-9]{1,19}|\[[0-9,:%.-]*\])|\+[0-9]{1,9})?"
_RANGE = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10})(?::([0-9]{1,10}))?)?\Z")


class JobId(NamedTuple):
    """An id, the array and the heterogeneous job that it is of, and how many tasks wait under it.

    `whole` is False where Slurm has cut the list of tasks: there are more than `tasks`. `number` is
    the one that slurmctld gave it, which each task and each component has for itself; empty where
    it is the id.
    """

    id: str
    array: str = ""
    het: str = ""
    tasks: int = 1
    whole: bool = True
    number: str = ""

    def numbered(self, number: str) -> Self:
        """Return it with its number."""
        return self if number == self.id else self._replace(number=number)


def parse_id(text: str) -> JobId:
    """Parse what squeue prints as JobArrayID."""
    head, plus, _ = text.partition("+")
    if plus:
        return JobId(text, het=head)
    head, underscore, rest = text.partition("_")
    if not underscore:
        return JobId(text)
    if not rest.startswith("["):
        return JobId(text, array=head)
    tasks, whole = count_tasks(rest.strip("[]"))
    return JobId(head, array=head, tasks=tasks, whole=whole)


def count_tasks(text: str) -> tuple[int, bool]:
    """Count the tasks of a list such as `1,3-9:2,20%4`, and whether the list is whole.

    It is not where Slurm has cut it (SLURM_BITSTR_LEN), or where a part of it is no range. At least
    one task is there.
    """
    listed, _, _ = text.partition("%")
    parts = listed.split(",")
    whole = True
    count = 0
    for part in parts:
        match = _RANGE.match(part)
        if match is None:
            whole = False
            continue
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        count += max(0, last - first) // max(1, step) + 1
    return min(max(1, count), MAX_TASKS), whole
