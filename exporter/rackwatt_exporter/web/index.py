"""The plain list: every target with watts, age and reason; what fails comes first.

For whoever cannot or will not run the fleet page's scripts. One HTML text without script or asset.
Each value passes through `escape`: names and messages come from documents and from the network.
"""

from html import escape
from typing import Any

from rackwatt_exporter import __version__
from rackwatt_exporter.board import Entry
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.roster import counts
from rackwatt_exporter.store import Record

ROWS = 500
_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
    "tr.failing td:first-child{box-shadow:inset 4px 0 #c33}"
    ".quiet{opacity:.7}nav{margin:1rem 0}nav a{margin-right:1rem}"
)
_NUMBER = ' class="number"'
_NUMBERS = ("Watts", "Age")
_COLUMNS = ("Node", "Watts", "Age", "State", "Type", "Rack", "Method", "Address", "Reason")


def index(exporter: Exporter, now_s: float, page: int, telemetry_path: str) -> str:
    """Write the page; `page` counts from 1."""
    exporter.store.withdraw_stale()
    for board in (exporter.roster, exporter.machine, exporter.grids):
        board.withdraw_stale()
    records = sorted(
        exporter.store.records.values(), key=lambda r: (r.error is None, r.target.node)
    )
    pages = max(1, -(-len(records) // ROWS))
    page = min(max(page, 1), pages)
    shown = records[(page - 1) * ROWS : page * ROWS]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="refresh" content="10">'
        f"<title>Rackwatt</title><style>{_STYLE}</style></head><body><h1>Rackwatt</h1>"
        f"<p>{_summary(exporter, records)}</p>{_problems(exporter.fleet.problems)}"
        f"{_table(shown, now_s)}<nav>{_links(page, pages)}</nav>"
        f'<p class="quiet"><a href="{escape(telemetry_path)}">metrics</a> · '
        f'<a href="/status">status</a> · version {__version__}</p></body></html>'
    )


def _summary(exporter: Exporter, records: list[Record]) -> str:
    told = _totals(records) if records else "No document names a target for this exporter."
    for entry in exporter.roster.entries.values():
        listed = ", ".join(f"{count} {state}" for state, count in sorted(counts(entry).items()))
        silent = f"not heard ({entry.error.reason})" if entry.error else "not heard yet"
        told += f"<br>Scheduler {escape(entry.asked.name)}: {escape(listed or silent)}."
    return told + _inside(exporter)


def _totals(records: list[Record]) -> str:
    watts = [record.reading.watts for record in records if record.reading]
    reasons = [record.error.reason for record in records if record.error]
    off = reasons.count(Reason.POWERED_OFF)
    told = f"{len(watts)} of {len(records)} targets measured, {len(reasons) - off} failing"
    told += f", {off} powered off. " if off else ". "
    return told + (f"<strong>{sum(watts):,.0f} W</strong> in all." if watts else "No watts yet.")


def _inside(exporter: Exporter) -> str:
    """Tell of this node's collectors and of the grid, each in a line."""
    told = ""
    for one in exporter.machine.entries.values():
        watts = exporter.machine.watts(one)
        known = "measures" if watts is None else f"{watts:,.1f} W"
        line = f"Collector {one.asked.name} on {exporter.machine.node}: {_word(one, known)}."
        told += f"<br>{escape(line)}"
    for grid in exporter.grids.entries.values():
        grams = grid.answer.grams_per_kilowatt_hour if grid.answer else 0.0
        line = f"Grid {grid.asked.zone} ({grid.asked.provider}): {_word(grid, f'{grams:g} g/kWh')}."
        told += f"<br>{escape(line)}"
    return told


def _word(entry: Entry[Any, Any], known: str) -> str:
    """Tell why there is nothing, where that is so."""
    if entry.error is not None:
        return f"{entry.error.reason}, {entry.error}"
    return known if entry.answer is not None else "not read yet"


def _problems(problems: tuple[str, ...]) -> str:
    if not problems:
        return ""
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems[:20])
    more = f"<li>and {len(problems) - 20} more</li>" if len(problems) > 20 else ""
    return f"<h2>Problems in the documents</h2><ul>{items}{more}</ul>"


def _table(shown: list[Record], now_s: float) -> str:
    if not shown:
        return ""
    heads = "".join(
        f'<th scope="col"{_NUMBER if head in _NUMBERS else ""}>{head}</th>' for head in _COLUMNS
    )
    rows = "".join(_row(record, now_s) for record in shown)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(record: Record, now_s: float) -> str:
    target, age_s = record.target, record.age_s(now_s)
    watts = f"{record.reading.watts:,.1f}" if record.reading else "—"
    age = f"{age_s:.0f} s" if age_s is not None else "—"
    kind = ' class="failing"' if record.error else ""
    reason = f"{record.error.reason}: {record.error}" if record.error else ""
    words = (record.state or "", target.type, target.rack, target.method, target.address, reason)
    cells = "".join(f"<td>{escape(word)}</td>" for word in words)
    return (
        f"<tr{kind}><td>{escape(target.node)}</td><td{_NUMBER}>{watts}</td>"
        f"<td{_NUMBER}>{age}</td>{cells}</tr>"
    )


def _links(page: int, pages: int) -> str:
    if pages == 1:
        return ""
    before = f'<a href="?page={page - 1}" rel="prev">before</a>' if page > 1 else ""
    after = f'<a href="?page={page + 1}" rel="next">after</a>' if page < pages else ""
    return f"{before}Page {page} of {pages} {after}"
