"""Generate the reference pages from the code, or `--check` that they say what the code says.

Of docs/troubleshooting.md, docs/operator.md and the chart's README.md only tables are generated.
"""

import json
import re
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import yaml
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_crds.document import KINDS
from rackwatt_exporter.advice import ADVICE
from rackwatt_exporter.exposition.families import PROBE_SUCCESS
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.process_collector import PER_USAGE
from rackwatt_exporter.pipelines.families import all_families
from rackwatt_operator import metrics as telemetry
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.object_metrics import Inventory
from scripts.generated import ROOT, bring_up_to_date
from scripts.values import CHART, values_table

_MADE = "<!-- made by `make docs`: change the code, not this page -->\n"


def metrics_page() -> str:
    """Write docs/metrics.md from the table of families."""
    lines = [
        "# Metrics\n\n",
        _MADE,
        "\nEvery family on the page. A series that is absent means that its value is not known; "
        "nothing is ever 0 for want of a reading.\n",
    ]
    for title, profile in (("Rackwatt's own", "rackwatt"), ("As power-exporter", "power-exporter")):
        lines.append(f"\n## {title}\n\n| name | type | labels | what it is |\n|---|---|---|---|\n")
        lines += [_family(family) for family in all_families() if family.profile == profile]
    lines += [
        "\n## On `/probe` alone\n\n| name | type | labels | what it is |\n|---|---|---|---|\n",
        _family(PROBE_SUCCESS),
        "\n## Of the process itself\n\n| name | type | labels | what it is |\n|---|---|---|---|\n",
        *map(_family, PER_USAGE),
        "\n`--no-profile.power-exporter` takes those of power-exporter off the page.\n",
    ]
    return "".join(lines)


def _family(family: MetricFamily) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "–"
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |\n"


def documents_page() -> str:
    """Write docs/documents.md from the models."""
    lines = ["# Documents\n\n", _MADE, (ROOT / "docs/documents.intro.md").read_text()]
    for kind, model in KINDS.items():
        lines.append(f"\n## {kind}\n\n{model.__doc__}\n\n")
        lines.append("| field | type | what it is |\n|---|---|---|\n")
        lines += _fields(get_type_hints(model, include_extras=True)["spec"], "spec")
    lines.append(
        "\n## Presets\n\nWhat each says of its method, where no word of the document beats it: as "
        "vendors' MIBs and\nother people's running code have it. None was tried on a device by us."
        "\n\n| method | preset | what it says |\n|---|---|---|\n"
    )
    for (method, preset), said in sorted(PRESETS.items()):
        lines.append(f"| `{method}` | `{preset}` | `{_said(said)}` |\n")
    return "".join(lines)


def _said(settings: msgspec.Struct) -> str:
    """Write settings as a document would say them under their method, on one line."""
    said = json.loads(msgspec.json.encode(settings), object_hook=_without_none)
    return yaml.safe_dump(said, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _without_none(one: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if value is not None}


def _fields(model: type[msgspec.Struct], path: str) -> Iterator[str]:
    hints = get_type_hints(model, include_extras=True)
    for field in msgspec.structs.fields(model):
        kind, told = _described(hints[field.name])
        at = f"{path}.{field.encode_name}"
        needed = " *" if field.required else ""
        inner = _struct_in(kind)
        told = told or (inner.__doc__ or "" if inner else "")
        if field.default not in (None, msgspec.NODEFAULT) and "Default" not in told:
            told += f" Default {field.default}."
        yield f"| `{at}`{needed} | {_named(kind)} | {told.splitlines()[0] if told else ''} |\n"
        if inner:
            yield from _fields(inner, f"{at}[]" if get_origin(kind) is list else at)


def _described(hint: Any) -> tuple[Any, str]:
    told = ""
    while True:
        if get_origin(hint) is Annotated:
            hint, *notes = get_args(hint)
            told = told or next((n.description for n in reversed(notes) if n.description), "")
        elif get_origin(hint) in (Union, types.UnionType):
            (hint,) = [part for part in get_args(hint) if part is not type(None)]
        else:
            return hint, told


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    inner = get_args(kind)[0] if get_origin(kind) is list else kind
    found = isinstance(inner, type) and issubclass(inner, msgspec.Struct)
    return inner if found else None


def _named(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"list of {_named(_described(get_args(kind)[0])[0])}"
    if get_origin(kind) is Literal:
        return " \\| ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is dict:
        return "map"
    names = {str: "text", int: "whole number", float: "number", bool: "true \\| false"}
    return names.get(kind, "object")


def troubleshooting_page() -> str:
    """Write the table of reasons into docs/troubleshooting.md, whose prose stays as it is."""
    rows = [f"| `{reason}` | {told.happened} | {told.remedy} |" for reason, told in ADVICE.items()]
    head = ["| reason | what happened | what to do |", "|---|---|---|"]
    return _with_table("docs/troubleshooting.md", "reasons", [*head, *rows])


def operator_page() -> str:
    """Write the table of the operator's own metrics into docs/operator.md."""
    own = (one for one in vars(telemetry).values() if isinstance(one, MetricWrapperBase))
    rows = sorted(map(_metric, [*own, *Inventory(Cache()).describe()]))
    head = ["| name | type | labels | what it is |", "|---|---|---|---|"]
    return _with_table("docs/operator.md", "metrics", [*head, *rows])


def _metric(one: Any) -> str:
    (family,) = [one] if isinstance(one, Metric) else one.describe()
    name = f"{family.name}_total" if family.type == "counter" else family.name
    labels = ", ".join(f"`{label}`" for label in one._labelnames) or "–"
    return f"| `{name}` | {family.type} | {labels} | {family.documentation} |"


def chart_page() -> str:
    """Write the tables of values into the chart's README.md."""
    return _with_table(f"{CHART}/README.md", "values", values_table())


def _with_table(page: str, name: str, lines: list[str]) -> str:
    """Give a page with a table of its put anew between its two marks."""
    between = re.compile(rf"(<!-- {name}: .*? -->\n).*?(\n<!-- end of {name} -->)", re.DOTALL)
    table = "\n".join(["", *lines, ""])
    return between.sub(lambda found: f"{found[1]}{table}{found[2]}", (ROOT / page).read_text())


PAGES = {
    "docs/metrics.md": metrics_page,
    "docs/documents.md": documents_page,
    "docs/operator.md": operator_page,
    "docs/troubleshooting.md": troubleshooting_page,
    f"{CHART}/README.md": chart_page,
}

if __name__ == "__main__":
    sys.exit(bring_up_to_date(PAGES, "make docs"))
