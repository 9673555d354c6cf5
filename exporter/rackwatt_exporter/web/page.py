"""Pages without scripts: their look, and the tables in them."""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;"
    "background:Canvas;color:CanvasText}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}"
    "caption{text-align:left;padding:.3rem .6rem;font-weight:600}"
    ".number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "tr.failing td:first-child{box-shadow:inset 4px 0 #c33}"
    ".quiet{opacity:.7}nav{margin:1rem 0}nav a{margin-right:1rem}"
)
NUMBER = ' class="number"'


def document(title: str, body: str) -> str:
    """Return a page that its browser requests again every 10 seconds; `body` is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="refresh" content="10">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def heads(columns: Iterable[str], numbers: Sequence[str]) -> str:
    """Return the heads of a table; those of `numbers` are aligned as numbers."""
    return "".join(
        f'<th scope="col"{NUMBER if column in numbers else ""}>{escape(column)}</th>'
        for column in columns
    )
