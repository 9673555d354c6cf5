"""What the page says of the exporter itself: its documents, its build, its process."""

import platform
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from rackwatt_exporter import __version__
from rackwatt_exporter.page import families as f
from rackwatt_exporter.page.exposition import labels
from rackwatt_exporter.page.family import Family
from rackwatt_exporter.settings.fleet import Fleet

_REGISTRY = CollectorRegistry()
ProcessCollector(registry=_REGISTRY)
GCCollector(registry=_REGISTRY)


def document_text(fleet: Fleet, reloaded_at_s: float, lag_s: float, openmetrics: bool) -> str:
    """Write the families that tell of the documents and the build."""
    return "".join(
        family.header(openmetrics) + "".join(f"{family.name}{line}\n" for line in lines)
        for family, lines in _samples(fleet, reloaded_at_s, lag_s)
        if lines
    )


def process_text(openmetrics: bool) -> str:
    """Write the client library's families; in OpenMetrics they bring the end mark."""
    generate = generate_openmetrics if openmetrics else generate_latest
    return generate(_REGISTRY).decode()


def _samples(
    fleet: Fleet, reloaded_at_s: float, lag_s: float
) -> Iterator[tuple[Family, list[str]]]:
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
