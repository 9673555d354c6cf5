"""The reference of metrics, docs/metrics.md: every family of both programs, by subject.

Name, type, unit, labels and help are those of the families' definitions. The subject, the number of
series and an example query are in metrics.yaml, which has a row for each family.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from rackwatt_exporter.exposition.families import PROBE_SUCCESS
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.process_collector import PER_USAGE
from rackwatt_exporter.pipelines.families import all_families
from rackwatt_operator import metrics as operator_metrics
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.manifests.rules import power
from rackwatt_operator.object_metrics import ObjectMetricsCollector

ROWS = Path(__file__).with_name("metrics.yaml")
_UNITS = ("seconds", "bytes")
_HEAD = "| Name | Type | Unit | Labels | Series | Description |\n|---|---|---|---|---|---|\n"


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """What the page says of a family in addition to its definition."""

    series: str
    question: str
    query: str


class Subject(msgspec.Struct, forbid_unknown_fields=True):
    """The families of one subject, in the order of the page."""

    subject: str
    text: str
    families: dict[str, Row]


class Definition(NamedTuple):
    """A family, as either program defines it."""

    name: str
    kind: str
    unit: str
    labels: tuple[str, ...]
    help: str


# What rules record, rather than either program.
_POWER = Definition(
    power.NAME,
    "gauge",
    "watts",
    ("cluster", "by", "state", *power.HOLDERS),
    "Power of a cluster's nodes, by their state, or by whose jobs hold them; what is not attributed"
    " has no holder. Recorded by rules.",
)


def subjects() -> list[Subject]:
    """Read metrics.yaml."""
    return msgspec.yaml.decode(ROWS.read_bytes(), type=list[Subject])


def definitions() -> dict[str, Definition]:
    """Return every family of both programs, by name."""
    exporters = map(_of_exporter, (*all_families(), PROBE_SUCCESS, *PER_USAGE))
    own = (one for one in vars(operator_metrics).values() if isinstance(one, MetricWrapperBase))
    operators = map(_of_operator, (*own, *ObjectMetricsCollector(Cache()).describe()))
    return {one.name: one for one in (*exporters, *operators, _POWER)}


def metrics_reference(note: str) -> str:
    """Return docs/metrics.md; `note` says that it is generated.

    Raises:
        ValueError: a family has no row in metrics.yaml, or a row no family.
    """
    known, listed = definitions(), subjects()
    rows = {name for subject in listed for name in subject.families}
    if wrong := known.keys() ^ rows:
        raise ValueError(f"{ROWS.name} needs one row for each family: {', '.join(sorted(wrong))}")
    return "".join(
        [
            "# Metrics\n\n",
            note,
            "\nEvery metric family of the exporter and of the operator, by subject. A value that\n"
            "is not known has no series: nothing is 0 because a reading is missing. The flag\n"
            "`--no-profile.power-exporter` omits `node_power_usage`, and\n"
            "`--no-profile.slurm-exporter` omits `slurm_*`. The families of `--profile.ceems` and\n"
            "`--profile.batchjob` are on pages of their own ([ceems](migration/ceems.md),\n"
            "[batchjob](migration/batchjob.md)). What may change:\n"
            "[API versioning](api-versioning.md).\n",
            *(part for subject in listed for part in _section(subject, known)),
        ]
    )


def _section(subject: Subject, known: Mapping[str, Definition]) -> Iterator[str]:
    yield f"\n## {subject.subject}\n\n{subject.text}\n\n{_HEAD}"
    for name, row in subject.families.items():
        family = known[name]
        labels = ", ".join(f"`{label}`" for label in family.labels)
        cells = (f"`{name}`", family.kind, family.unit, labels, row.series, family.help)
        yield f"| {' | '.join(cells)} |\n"
    examples = (f"# {row.question}\n{row.query}\n" for row in subject.families.values())
    yield f"\n```promql\n{chr(10).join(examples)}```\n"


def _of_exporter(family: MetricFamily) -> Definition:
    return Definition(family.name, family.kind, family.unit, family.labels, family.help)


def _of_operator(metric: Any) -> Definition:
    (family,) = [metric] if isinstance(metric, Metric) else metric.describe()
    name = f"{family.name}_total" if family.type == "counter" else family.name
    unit = next((unit for unit in _UNITS if family.name.endswith(f"_{unit}")), "")
    return Definition(name, family.type, unit, tuple(metric._labelnames), family.documentation)
