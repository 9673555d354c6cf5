"""Numbers that agents send as text: `344`, `344.5 W`, `Load: 1,234 W`.

Text is a number where it is digits, or where the document gives the text around them. Numbers
inside of other text do not count: `PSU 2: 344 W` could mean three numbers.
"""

import json
import re

WATTS = {
    "mW": 0.001,
    "cW": 0.01,
    "dW": 0.1,
    "W": 1.0,
    "daW": 10.0,
    "hW": 100.0,
    "kW": 1000.0,
    "MW": 1_000_000.0,
}
_MAX_LENGTH = 256
MAX_PATTERN = 64  # of a document
_BRACES = frozenset("{}")
# What agents send where they have no measurement.
_NONE = re.compile(
    r"n\W?a\.?|nan|none|null|nil|unknown|unavailable|un(?:supported|measured)"
    r"|not (?:available|supported|applicable|measured|present)|no (?:data|value|reading)|\W*",
    re.IGNORECASE,
)
_OTHER = "`pattern` of its oids entry has to be this text, with {value} for the number"
_UNKNOWN_FORM = (
    "no setting of its oids entry reads a number in this form: `1,234.5` and `1234.5` are read"
)
_ANY_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]+)*\.?|\.[0-9]+)")
_PLAIN = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})\Z")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){1,6}(\.[0-9]{1,20})?\Z")


def number(sent: bytes, unit: str | None = None, pattern: str | None = None) -> float | None:
    """Parse a text that is a number; None for any other text."""
    value = _normalized(sent)
    if pattern is not None:
        before, _, after = (" ".join(part.split()) for part in pattern.partition("{value}"))
        if len(value) < len(before) + len(after):
            return None
        if not (value.startswith(before) and value.endswith(after)):
            return None
        value = value[len(before) : len(value) - len(after)].strip()
    if unit is not None:
        value = value.removesuffix(unit).rstrip()
    if _PLAIN.match(value):
        return float(value) if "." in value else int(value)
    if (unit or pattern) and _GROUPED.match(value):
        return float(value.replace(",", ""))
    return None


def reports_none(sent: bytes) -> bool:
    """Return whether a text says that there is no measurement: `N/A`, `-`, or nothing."""
    return _NONE.fullmatch(_normalized(sent)) is not None


def advice(sent: bytes, unit: str | None = None, pattern: str | None = None) -> str:
    """Return which settings would read a text that `number` does not."""
    value = _normalized(sent)
    numbers = list(_ANY_NUMBER.finditer(value))
    if len(numbers) != 1:
        return _OTHER
    if number(numbers[0][0].encode(), pattern="{value}") is None:
        return _UNKNOWN_FORM
    before, after = value[: numbers[0].start()], value[numbers[0].end() :]
    own_unit = after.strip()
    if not before and own_unit in WATTS and own_unit != unit and pattern is None:
        return f"set `unit: {own_unit}` in its oids entry"
    shown = before + "{value}" + after
    if len(shown) > MAX_PATTERN or not shown.isascii() or not _BRACES.isdisjoint(before + after):
        return _OTHER
    return f"set `pattern: {json.dumps(shown)}` in its oids entry; `unit` says what it is in"


def _normalized(sent: bytes) -> str:
    return " ".join(sent[:_MAX_LENGTH].strip(b"\0 \t\r\n").decode("ascii", "replace").split())
