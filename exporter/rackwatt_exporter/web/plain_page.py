"""Plain page: every target with watts, age and reason, failing ones first.

It is for browsers without scripts, and has no asset. Each value passes through `escape`: names and
messages come from documents and from the network.
"""

from html import escape

from rackwatt_exporter import __version__
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.store.targets import TargetRecord
from rackwatt_exporter.web.node_jobs import in_words, node_jobs
from rackwatt_exporter.web.page import NUMBER, document, heads

ROWS = 500
_NUMBERS = ("Watts", "Age")
_COLUMNS = ("Node", "Watts", "Age", "State", "Jobs", "Type", "Rack", "Method", "Address", "Reason")


def render(exporter: Exporter, now_s: float, page: int, telemetry_path: str) -> str:
    """Render a page; `page` counts from 1."""
    exporter.withdraw_stale()
    records = sorted(
        exporter.targets.records.values(), key=lambda r: (r.error is None, r.spec.node)
    )
    pages = max(1, -(-len(records) // ROWS))
    page = min(max(page, 1), pages)
    shown = records[(page - 1) * ROWS : page * ROWS]
    return document(
        "Rackwatt",
        f"<h1>Rackwatt</h1>"
        f"<p>{_summary(exporter, records)}</p>{_problems(exporter.fleet.problems)}"
        f"{_table(shown, exporter, now_s)}<nav>{_links(page, pages)}</nav>"
        f'<p class="quiet"><a href="{escape(telemetry_path)}">metrics</a> · '
        f'<a href="/status">status</a> · version {__version__}</p>',
    )


def _summary(exporter: Exporter, records: list[TargetRecord]) -> str:
    totals = _totals(records) if records else "No document configures a target for this exporter."
    others = (
        pipeline.line(record)
        for pipeline in exporter.registry.listed
        for record in pipeline.store.records.values()
    )
    return totals + "".join(f"<br>{escape(line)}" for line in others)


def _totals(records: list[TargetRecord]) -> str:
    watts = [record.value.watts for record in records if record.value]
    reasons = [record.error.reason for record in records if record.error]
    off = reasons.count(Reason.POWERED_OFF)
    text = f"{len(watts)} of {len(records)} targets measured, {len(reasons) - off} failing"
    text += f", {off} powered off. " if off else ". "
    return text + (f"<strong>{sum(watts):,.0f} W</strong> in all." if watts else "No watts yet.")


def _problems(problems: tuple[str, ...]) -> str:
    if not problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:20])
    more = f"<li>and {len(problems) - 20} more</li>" if len(problems) > 20 else ""
    return f"<h2>Problems in the documents</h2><ul>{items}{more}</ul>"


def _table(shown: list[TargetRecord], exporter: Exporter, now_s: float) -> str:
    if not shown:
        return ""
    states, jobs = exporter.targets.states, node_jobs(exporter, [one.spec for one in shown])
    rows = "".join(
        _row(record, states.get(record.spec.node, ""), in_words(jobs.get(record.spec.node)), now_s)
        for record in shown
    )
    return (
        f"<table><thead><tr>{heads(_COLUMNS, _NUMBERS)}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(record: TargetRecord, state: str, jobs: str, now_s: float) -> str:
    target, age_s = record.spec, record.age_s(now_s)
    watts = f"{record.value.watts:,.1f}" if record.value else "—"
    age = f"{age_s:.0f} s" if age_s is not None else "—"
    kind = ' class="failing"' if record.error else ""
    reason = f"{record.error.reason}: {record.error}" if record.error else ""
    words = (state, jobs, target.type, target.rack, target.method, target.address, reason)
    cells = "".join(f"<td>{escape(word)}</td>" for word in words)
    return (
        f"<tr{kind}><td>{escape(target.node)}</td><td{NUMBER}>{watts}</td>"
        f"<td{NUMBER}>{age}</td>{cells}</tr>"
    )


def _links(page: int, pages: int) -> str:
    if pages == 1:
        return ""
    before = f'<a href="?page={page - 1}" rel="prev">before</a>' if page > 1 else ""
    after = f'<a href="?page={page + 1}" rel="next">after</a>' if page < pages else ""
    return f"{before}Page {page} of {pages} {after}"
