"""Records as slurmrestd answers them: as v0.0.38 of Slurm 22.05 does, and as newer versions do."""

from typing import Any

from tests.accounting.sources.slurm.records import Record


def older(record: Record) -> dict[str, Any]:
    """Numbers are plain, and what is not known is null."""
    het = {"job_id": record.het, "job_offset": record.het_offset}
    return _job(record, None) | {
        "array": {"job_id": record.array, "task_id": record.task, "task": None},
        "het": het,
        "exit_code": {"status": "S", "return_code": 1, "signal": {"signal_id": 15, "name": "T"}},
        "state": {"current": record.state, "reason": "None"},
    }


def newer(record: Record) -> dict[str, Any]:
    """Numbers may be wrapped, texts are empty, and a state is a list."""
    return _job(record, "") | {
        "array": {"job_id": record.array, "task_id": _wrapped(record.task), "task": ""},
        "het": {"job_id": record.het, "job_offset": _wrapped(record.het_offset)},
        "exit_code": {
            "status": ["S"],
            "return_code": _wrapped(1),
            "signal": {"id": _wrapped(15), "name": "T"},
        },
        "state": {"current": [record.state], "reason": "None"},
    }


def _job(record: Record, none: str | None) -> dict[str, Any]:
    held = record.tres() if record.start_s else {}
    return {
        "account": record.account,
        "cluster": "alpha",
        "group": "users",
        "job_id": record.job_id,
        "name": record.name,
        "nodes": record.node_list if held else "None assigned",
        "partition": "batch",
        "qos": "normal",
        "steps": [],
        "time": {
            "elapsed": 1,
            "start": record.start_s,
            "end": record.end_s,
            "submission": record.submit_s,
            "suspended": record.suspended_s,
        },
        "tres": {
            "allocated": [
                {"type": word, "name": rest or none, "id": 1, "count": count}
                for name, count in held.items()
                for word, _, rest in [name.partition("/")]
            ]
        },
        "user": record.user,
        "working_directory": "/home/alice",
    }


def _wrapped(number: int | None) -> dict[str, Any]:
    return {"set": number is not None, "infinite": False, "number": number or 0}
