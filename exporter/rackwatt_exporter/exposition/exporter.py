"""Families of the exporter itself: its documents, its build, its process."""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator

from rackwatt_exporter import __version__
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.process_collector import usage_samples
from rackwatt_exporter.metrics.text import END, labels

# The lines of a family without its name.
_Suffixes = tuple[MetricFamily, list[str]]


def document_text(fleet: Fleet, reloaded_at_s: float, lag_s: float, openmetrics: bool) -> str:
    """Render the families of the documents and the build."""
    return _text(_samples(fleet, reloaded_at_s, lag_s), openmetrics)


def process_text(openmetrics: bool) -> str:
    """Render the usage of this process, and in OpenMetrics the end mark."""
    return _text(usage_samples(), openmetrics) + (END if openmetrics else "")


def _text(samples: Iterable[_Suffixes], openmetrics: bool) -> str:
    return "".join(
        family.header(openmetrics) + "".join(f"{family.name}{line}\n" for line in lines)
        for family, lines in samples
        if lines
    )


def _samples(fleet: Fleet, reloaded_at_s: float, lag_s: float) -> Iterator[_Suffixes]:
    counts = Counter(target.document for target in fleet.targets.values())
    yield (
        f.TARGETS,
        [f"{labels([('powertarget', name)])} {count}" for name, count in counts.items()],
    )
    yield f.PROBLEMS, [f" {len(fleet.problems)}"]
    yield f.RELOADED, [f" {reloaded_at_s:.3f}"]
    yield f.RELOAD_GOOD, [f" {int(not fleet.problems)}"]
    yield f.LAG, [f" {lag_s:.6f}"]
    build = labels((("version", __version__), ("python", platform.python_version())))
    yield f.BUILD, [f"{build} 1"]
