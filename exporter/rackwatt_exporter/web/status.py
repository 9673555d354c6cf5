"""The status as JSON: counts, the worst failures, the schedulers, the documents' problems.

Bounded whatever the size of the fleet: the operator reads it often and puts it into a status of
limited size.
"""

import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from rackwatt_exporter import __version__
from rackwatt_exporter.advice import remedy
from rackwatt_exporter.board import Entry
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.grid.provider import Intensity
from rackwatt_exporter.machine import InstrumentEntry, Machine
from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.roster import Entry as SchedulerEntry
from rackwatt_exporter.roster import counts
from rackwatt_exporter.settings.feed import Feed
from rackwatt_exporter.settings.secrets import MissingSecretError
from rackwatt_exporter.store import Record
from rackwatt_exporter.web.counted import Counted

MOST_FAILING = 1000
_MOST_PROBLEMS = 100
_MOST_SECRETS = 100
_MOST_STATES = 50
_LONGEST_TOLD = 1000


def status(exporter: Exporter, uptime_s: float, most_failing: int) -> dict[str, Any]:
    """Tell everything that fits; `most_failing` targets are told one by one, longest first."""
    now_s = time.monotonic()
    for board in (exporter.store, exporter.roster, exporter.machine, exporter.grids):
        board.withdraw_stale()
    failing = [one for one in exporter.store.records.values() if one.error is not None]
    failing.sort(key=lambda record: (record.failing_since_s or now_s, record.target.node))
    machine, grids = exporter.machine, exporter.grids
    problems = exporter.fleet.problems
    counted = Counted(exporter)
    return {
        "version": __version__,
        "uptime_s": round(uptime_s, 1),
        "targets": counted.all.plain(),
        "powertargets": {name: one.plain() for name, one in sorted(counted.documents.items())},
        "reasons": Counter(record.error.reason for record in failing if record.error),
        "failing": [target_status(record, now_s) for record in islice(failing, most_failing)],
        "schedulers": [_scheduler(entry, now_s) for entry in exporter.roster.entries.values()],
        "collectors": [_collector(machine, entry, now_s) for entry in machine.entries.values()],
        "grids": [_grid(entry, now_s) for entry in grids.entries.values()],
        "secrets_missing": _secrets_missing(exporter, failing),
        "documents": {
            "reloaded_at_s": round(exporter.reloaded_at_s, 3),
            "count": len(exporter.fleet.documents),
            "problems": len(problems),
            "first_problems": [_told(problem) for problem in problems[:_MOST_PROBLEMS]],
        },
    }


def target_status(record: Record, now_s: float) -> dict[str, Any]:
    """Tell everything of one target; what is not known is null."""
    target, reading, error = record.target, record.reading, record.error
    since_s = record.failing_since_s
    return {
        "node": target.node,
        "powertarget": target.document,
        "method": target.method,
        "address": target.address,
        "type": target.type,
        "rack": target.rack,
        "up": record.up,
        "watts": reading.watts if reading else None,
        "source": reading.source if reading else None,
        "members": _members(error or reading),
        "joules": record.account.served_joules if record.read_at_s is not None else None,
        "covered_s": round(record.account.served_covered_s, 3),
        "age_s": _rounded(record.age_s(now_s)),
        "took_s": _rounded(record.took_s),
        "state": record.state,
        "reason": error.reason if error else None,
        "message": _told(error) if error else None,
        "remedy": remedy(error) if error else None,
        "failing_for_s": _rounded(now_s - since_s if since_s is not None else None),
        "reads": record.reads,
        "errors": dict(record.errors),
    }


def _scheduler(entry: SchedulerEntry, now_s: float) -> dict[str, Any]:
    return {
        "name": entry.asked.name,
        "cluster": entry.asked.cluster,
        "version": entry.answer.version if entry.answer else None,
        "nodes": dict(counts(entry).most_common(_MOST_STATES)),
        **_health(entry, now_s),
    }


def _collector(machine: Machine, entry: InstrumentEntry, now_s: float) -> dict[str, Any]:
    return {
        "collector": entry.asked.name,
        "powertarget": entry.asked.document,
        "node": machine.node,
        "watts": _rounded(machine.watts(entry)),
        **_health(entry, now_s),
    }


def _grid(entry: Entry[Feed, Intensity], now_s: float) -> dict[str, Any]:
    grams = entry.answer.grams_per_kilowatt_hour if entry.answer else None
    return {
        "powertarget": entry.asked.document,
        "zone": entry.asked.zone,
        "provider": entry.asked.provider,
        "grams_per_kilowatt_hour": _rounded(grams),
        **_health(entry, now_s),
    }


def _health(entry: Entry[Any, Any], now_s: float) -> dict[str, Any]:
    error, since_s = entry.error, entry.failing_since_s
    return {
        "up": entry.up,
        "age_s": _rounded(entry.age_s(now_s)),
        "took_s": _rounded(entry.took_s),
        "reason": error.reason if error else None,
        "message": _told(error) if error else None,
        "remedy": remedy(error) if error else None,
        "failing_for_s": _rounded(now_s - since_s if since_s is not None else None),
        "reads": entry.reads,
        "errors": dict(entry.errors),
    }


def _secrets_missing(exporter: Exporter, failing: Iterable[Record]) -> list[dict[str, Any]]:
    """Tell each key that something fails for want of, and the first document that asks for it."""
    missing: dict[tuple[str, str], dict[str, Any]] = {}
    askers = [(record.error, exporter.fleet.places.get(record.target.node)) for record in failing]
    askers += [
        (entry.error, f"SchedulerBinding {name}") for name, entry in exporter.roster.entries.items()
    ]
    for error, place in askers:
        if isinstance(error, MissingSecretError):
            blank = {"secret": error.secret, "key": error.key, "first": place, "wanted_by": 0}
            missing.setdefault((error.secret, error.key), blank)["wanted_by"] += 1
    return sorted(missing.values(), key=lambda one: (one["secret"], one["key"]))[:_MOST_SECRETS]


def _members(result: ReadError | Reading | None) -> dict[str, int] | None:
    members = result.members if result else None
    return None if members is None else members._asdict()


def _told(words: object) -> str:
    return printable(str(words), _LONGEST_TOLD)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
