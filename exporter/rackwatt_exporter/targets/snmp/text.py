"""Numbers that agents send as text: `344`, `344.5 W`, `Load: 1,234 W`.

Text is a number where it is digits, or where the document gives the text around them. Numbers
inside of other text do not count: `PSU 2: 344 W` could mean three numbers.
"""

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
_PLAIN = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?\Z")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){1,6}(\.[0-9]{1,20})?\Z")


def number(sent: bytes, unit: str | None = None, pattern: str | None = None) -> float | None:
    """Parse a text that is a number; None for any other text."""
    value = " ".join(sent[:_MAX_LENGTH].strip(b"\0 \t\r\n").decode("ascii", "replace").split())
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
