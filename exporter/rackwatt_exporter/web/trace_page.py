"""Reports of the traced jobs of a scheduler: as JSON, and as a page for people.

Every name in it was sent by a job, and passes through `escape`.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import msgspec

from rackwatt_crds.wording import counted
from rackwatt_exporter.pipelines.tracing import TracedScheduler
from rackwatt_exporter.schedulers.model.trace import TraceReport
from rackwatt_exporter.store.traces import Trace
from rackwatt_exporter.web.page import NUMBER, document, heads

ROWS = 500
_NUMBERS = (
    "Rank", "PID", "CPUs", "Memory", "Threads", "Processes", "Read", "Written", "GPUs",
    "GPU memory", "Age",
)  # fmt: skip
_COLUMNS = ("Job", "Step", "Node", "User", *_NUMBERS)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_UNKNOWN = "—"


def plain(traced: TracedScheduler, now_s: float) -> dict[str, Any]:
    """Return every trace as plain data; `listed` is whether the scheduler lists the job."""
    found = traced.read()
    listed = True if found.is_known else None
    return {
        "scheduler": traced.spec.name,
        "cluster": traced.spec.cluster,
        "stale_after_s": traced.store.stale_after_s,
        "processes": [
            *(_plain(one, now_s, listed) for one in found.served),
            *(_plain(one, now_s, False) for one in found.unlisted),
        ],
    }


def render(traced: TracedScheduler, now_s: float) -> str:
    """Render the page."""
    found, spec = traced.read(), traced.spec
    note = "" if found.is_known else "<p>The scheduler's jobs are not known now.</p>"
    summary = (
        f"Cluster {escape(spec.cluster)}, SchedulerBinding {escape(spec.name)}. A report is "
        f"removed when it is {traced.store.stale_after_s:g} s old."
    )
    unlisted = "Not served: the scheduler does not list these jobs"
    return document(
        "Traces of jobs – Rackwatt",
        f"<h1>Traces of jobs</h1><p>{summary}</p>{note}"
        f"{_table('Traced jobs', found.served, now_s) or '<p>No job reports now.</p>'}"
        f"{_table(unlisted, found.unlisted, now_s)}"
        '<p><a href="?format=json">JSON</a> · <a href="/plain">targets</a></p>',
    )


def _plain(one: Trace, now_s: float, listed: bool | None) -> dict[str, Any]:
    report = msgspec.structs.asdict(one.report)
    return {**report, "listed": listed, "age_s": round(now_s - one.received_at_s, 3)}


def _table(caption: str, found: list[Trace], now_s: float) -> str:
    if not found:
        return ""
    ordered = sorted(found, key=lambda one: one.report.key)
    rows = "".join(_row(one, now_s) for one in ordered[:ROWS])
    more = len(found) - ROWS
    rest = f"<p>{counted(more, 'process')} more: see the JSON.</p>" if more > 0 else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{heads(_COLUMNS, _NUMBERS)}</tr>"
        f"</thead><tbody>{rows}</tbody></table>{rest}"
    )


def _row(one: Trace, now_s: float) -> str:
    report = one.report
    words = (report.job, report.step, report.hostname, report.username)
    cells = "".join(f"<td>{escape(word)}</td>" for word in words)
    age = f"{now_s - one.received_at_s:.0f} s"
    numbers: Iterable[str] = (*_numbers(report), age)
    return f"<tr>{cells}{''.join(f'<td{NUMBER}>{number}</td>' for number in numbers)}</tr>"


def _numbers(report: TraceReport) -> Iterator[str]:
    yield _count(report.rank)
    yield str(report.pid)
    yield _UNKNOWN if report.cpus is None else f"{report.cpus / 100:.2f}"
    yield _bytes(report.mem)
    yield _count(report.threads)
    yield _count(report.processes)
    yield _bytes(report.read_bytes)
    yield _bytes(report.write_bytes)
    yield _count(report.gpus)
    yield _bytes(report.gpu_mem)


def _count(number: float | None) -> str:
    return _UNKNOWN if number is None else f"{number:.0f}"


def _bytes(amount: float | None) -> str:
    if amount is None:
        return _UNKNOWN
    step = 0
    while amount >= 1024 and step < len(_UNITS) - 1:
        amount, step = amount / 1024, step + 1
    return f"{amount:.0f} {_UNITS[step]}" if step == 0 else f"{amount:.1f} {_UNITS[step]}"
