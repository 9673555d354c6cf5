"""The text formats of Prometheus: samples as lines, labels escaped."""

from collections.abc import Iterable

from rackwatt_exporter.metrics.family import MetricFamily

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = "# EOF\n"  # of a page in OpenMetrics
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

FamilyLines = tuple[MetricFamily, list[bytes]]
"""A family, and its lines: each part is one whole line or several."""


def escaped(value: str) -> str:
    """Escape a label's value."""
    return value if value.isalnum() else value.translate(_ESCAPES)  # most are, and need no copy


def labels(pairs: Iterable[tuple[str, str]]) -> str:
    """Format a label set, with its braces; nothing where there is no label."""
    text = ",".join(f'{name}="{escaped(value)}"' for name, value in pairs)
    return "{" + text + "}"


def line(family: MetricFamily, values: Iterable[str], number: object) -> bytes:
    """Format one sample of a family."""
    pairs = zip(family.labels, values, strict=True)
    return f"{family.name}{labels(pairs)} {number}\n".encode()


def wants_openmetrics(accept: str) -> bool:
    """Return whether an Accept header asks for OpenMetrics before the older text format."""
    return "application/openmetrics-text" in accept
