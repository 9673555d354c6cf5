"""The text of one sample: labels escaped once, values as Prometheus reads them."""

from collections.abc import Iterable

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = "# EOF\n"  # of a page in OpenMetrics
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escaped(value: str) -> str:
    """Escape a label's value."""
    return value.translate(_ESCAPES)


def labels(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a label set, with its braces."""
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in pairs) + "}"


def wants_openmetrics(accept: str) -> bool:
    """Tell whether an Accept header asks for OpenMetrics before the older text format."""
    return "application/openmetrics-text" in accept
