"""The dashboard of Lustre's I/O: who reads and writes, what is of no job, and how polls go."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select, with_name
from rackwatt_operator.manifests.rules.lustre import UNRESOLVED, io

_MOST = 15


def lustre_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    ok = select(params, "cluster_exporter_scrape_ok")
    yield stat("Polls succeed", f"min({ok})", COUNT, "1 while the last poll returned everything.")
    jobs, processes, unmatched = (f"sum({io(params, of)})" for of in ("job", "proc", "unmatched"))
    every = f"({jobs} + {processes} + {unmatched} > 0)"
    yield stat("Of jobs", f"{jobs} / {every}", "percentunit", "Of the bytes read and written.")
    yield stat("Unmatched", f"{unmatched} / {every}", "percentunit", "Of no job and no process.")
    unresolved = f"sum({io(params, 'proc', UNRESOLVED)})"
    yield stat(
        "Users without a name", f"{unresolved} / ({processes} > 0)", "percentunit",
        "Of the bytes of processes outside jobs, those of a uid that has no entry.",
    )  # fmt: skip
    for holder in ("account", "user"):
        for title, family in (
            ("Read", "cluster_job_read_throughput_bytes"),
            ("Written", "cluster_job_write_throughput_bytes"),
        ):
            yield _most(params, f"{title} by {holder}", family, holder, "Bps")
    yield _most(params, "Metadata operations by user", "cluster_job_metadata_operations", "user")
    yield _most(
        params, "Metadata operations of processes", "cluster_proc_metadata_operations", "proc_name"
    )
    for title, family in (
        ("Read by processes outside jobs", "cluster_proc_read_throughput_bytes"),
        ("Written by processes outside jobs", "cluster_proc_write_throughput_bytes"),
    ):
        yield _most(params, title, family, "user_name", "Bps")
    yield from _health(params)


def _health(params: Params) -> Iterator[Panel]:
    unmatched = select(params, "rackwatt_lustre_unmatched_jobids")
    yield Panel(
        title="Job ids without a match",
        kind="timeseries",
        queries=(Query(f"sum by (reason) ({unmatched})", "{{reason}}"),),
        unit="short",
        description="By reason: docs/lustre.md says what to do about each.",
        stacked=True,
    )
    stages = select(params, "cluster_exporter_stage_execution_seconds")
    yield Panel(
        title="Duration of stages",
        kind="timeseries",
        queries=(Query(f"max by (name) ({stages})", "{{name}}"),),
        unit="s",
        description="Of the last poll that succeeded.",
    )
    yield errors_panel("Failed polls by reason", select(params, "rackwatt_lustre_errors_total"))


def _most(params: Params, title: str, family: str, holder: str, unit: str = "ops") -> Panel:
    series = f"topk({_MOST}, sum by ({holder}) ({select(params, family)}))"
    return Panel(
        title=title,
        kind="timeseries",
        queries=(Query(with_name(series, holder, "(unknown)"), f"{{{{{holder}}}}}"),),
        unit=unit,
        description=f"The {_MOST} with the most.",
        stacked=True,
    )
