"""Numbers that agents send as text: `344`, `344.5 W`, `Load: 1,234 W`.

Text is a number where it is digits, or where the document says what stands around them. Nothing is
looked for inside of a text: `PSU 2: 344 W` could mean three numbers.
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
_LONGEST = 256
_PLAIN = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?\Z")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3}){1,6}(\.[0-9]{1,20})?\Z")


def number(sent: bytes, unit: str | None = None, pattern: str | None = None) -> float | None:
    """Read a text as the number that it is; None for any other text."""
    found = " ".join(sent[:_LONGEST].strip(b"\0 \t\r\n").decode("ascii", "replace").split())
    if pattern is not None:
        before, _, after = (" ".join(part.split()) for part in pattern.partition("{value}"))
        if len(found) < len(before) + len(after):
            return None
        if not (found.startswith(before) and found.endswith(after)):
            return None
        found = found[len(before) : len(found) - len(after)].strip()
    if unit is not None:
        found = found.removesuffix(unit).rstrip()
    if _PLAIN.match(found):
        return float(found) if "." in found else int(found)
    if (unit or pattern) and _GROUPED.match(found):
        return float(found.replace(",", ""))
    return None
