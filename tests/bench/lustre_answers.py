"""What a Prometheus answers for a large Lustre, made up, and what its samples come to.

Of the job ids some are of jobs, some of processes, some of jobs that have ended, and some of a
format that no template has. Rates are whole numbers, so that sums are exact.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from rackwatt_exporter.lustre.queries import Measure

_NAMES = ("rsync", "cp", "tar", "python3.11", "bash", "ls", "find", "scp", "ior", "my.app.v2")
_OPERATIONS = (1, 2, 5, 13, 250, 1200)


@dataclass(frozen=True, slots=True)
class LustreAnswers:
    """The answer to each query, and the sums of jobs, of processes and of all job ids."""

    bodies: dict[Measure, bytes]
    samples: int
    sums: dict[str, dict[Measure, int]]


def lustre_answers(
    jobs: Sequence[str], storage: int = 20, metadata: int = 4, seed: int = 7
) -> LustreAnswers:
    """Make answers for these jobs and a quarter as many processes, on so many targets."""
    random_ = random.Random(seed)
    users = [20_000 + random_.randrange(300) for _ in range(len(jobs) // 4)]
    kinds = {
        "job": list(jobs),
        "process": list(dict.fromkeys(f"{random_.choice(_NAMES)}.{uid}" for uid in users)),
        "unmatched": [
            *(str(900_000 + number) for number in range(len(jobs) // 20)),
            *(f"cn{number:04}:{number}" for number in range(len(jobs) // 40)),
        ],
    }
    rows: dict[Measure, list[object]] = {measure: [] for measure in Measure}
    sums = {kind: dict.fromkeys(Measure, 0) for kind in kinds}
    for kind, ids in kinds.items():
        for jobid in ids:
            for measure in (Measure.READ, Measure.WRITE):
                rate = sum(random_.randrange(100, 50_000_000) for _ in range(storage))
                rows[measure].append(_row(rate, jobid=jobid))
                sums[kind][measure] += rate
            for target in range(metadata):
                rate = random_.choice(_OPERATIONS)
                name = f"hebe-MDT{target:04x}"
                rows[Measure.METADATA].append(_row(rate, jobid=jobid, target=name))
                sums[kind][Measure.METADATA] += rate
    bodies = {measure: _body(found) for measure, found in rows.items()}
    return LustreAnswers(bodies, sum(map(len, rows.values())), sums)


def _row(rate: int, **labels: str) -> object:
    return {"metric": labels, "value": [1795252000.545, str(rate)]}


def _body(rows: list[object]) -> bytes:
    data = {"resultType": "vector", "result": rows}
    return json.dumps({"status": "success", "data": data}, separators=(",", ":")).encode()
