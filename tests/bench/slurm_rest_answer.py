"""What slurmrestd 24.11 answers for a large cluster: its captured records, again and again.

A record of 24.11 lists every core of every node of a job, whether it is allocated or not: with 52
cores it has 14 kB. It is written record by record, as whole it would take gigabytes.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "slurm-24.11"
_CORES = 52
_ALLOCATED, _FREE = {"status": ["ALLOCATED"]}, {"status": ["UNALLOCATED"]}


def write_jobs(path: Path, jobs: int) -> int:
    """Write an answer with so many jobs; return its bytes."""
    captured = json.loads((DATA / "jobs_v0.0.42.json").read_text())
    after = json.dumps({key: value for key, value in captured.items() if key != "jobs"}, indent=2)
    with path.open("w") as file:
        file.write('{\n  "jobs": [\n')
        for number, record in enumerate(_records(captured["jobs"], jobs)):
            file.write(",\n" if number else "")
            file.write(record)
        file.write(f"\n  ],{after[1:]}")
    return path.stat().st_size


def write_nodes(path: Path, nodes: int) -> None:
    """Write an answer with so many nodes."""
    captured = json.loads((DATA / "nodes_v0.0.42.json").read_text())
    first = captured["nodes"][0]
    captured["nodes"] = [first | {"name": f"cn{number:05}"} for number in range(nodes)]
    path.write_text(json.dumps(captured, indent=2))


def _records(captured: list[dict[str, Any]], jobs: int) -> Iterator[str]:
    texts = [json.dumps(_with_cores(record), indent=2) for record in captured]
    ids = [f'"job_id": {record["job_id"]},' for record in captured]
    for number in range(jobs):
        which = number % len(texts)
        yield texts[which].replace(ids[which], f'"job_id": {1000 + number},', 1)


def _with_cores(record: dict[str, Any]) -> dict[str, Any]:
    record = copy.deepcopy(record)
    for node in (record.get("job_resources") or {"nodes": {}})["nodes"].get("allocation", ()):
        cores = [{"index": core, **(_FREE if core % 2 else _ALLOCATED)} for core in range(_CORES)]
        node["sockets"] = [{"index": 0, "cores": cores}]
    return record
