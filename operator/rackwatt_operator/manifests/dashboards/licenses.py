"""The dashboard of a scheduler's licences: how many are in use, and what waits for one."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select

# Of some nodes alone a licence has the label `nodes`.
_LEGEND = "{{license}} {{nodes}}"
_MOST = 15


def license_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    capacity = _licenses(params, "capacity")
    free = _licenses(params, "free")
    waiting = select(params, "rackwatt_scheduler_pending_jobs", 'reason="Licenses"')
    yield stat("Licences", f"count({capacity})", COUNT, "Kinds of licences that the scheduler has.")
    yield stat("Exhausted", f"sum({free} == bool 0)", COUNT, "Kinds of which none is free.")
    none = f"sum({waiting}) or sum({capacity}) * 0"
    yield stat("Jobs that wait", none, COUNT, "For a licence, and nothing else before it.")
    yield Panel(
        title="In use",
        kind="timeseries",
        queries=(Query(f"topk({_MOST}, {_share(params)})", _LEGEND),),
        unit="percentunit",
        description="Share of each kind that jobs hold: the fifteen kinds with the most.",
        width=24,
    )
    yield Panel(
        title="Free",
        kind="timeseries",
        queries=(Query(f"bottomk({_MOST}, {free})", _LEGEND),),
        unit="short",
        description="Licences that jobs may still take: the fifteen kinds with the fewest.",
    )
    yield Panel(
        title="Reserved",
        kind="timeseries",
        queries=(Query(f"topk({_MOST}, {_licenses(params, 'reserved')})", _LEGEND),),
        unit="short",
        description="Licences that reservations hold.",
    )


def _share(params: Params) -> str:
    return f"{_licenses(params, 'used')} / ({_licenses(params, 'capacity')} > 0)"


def _licenses(params: Params, what: str) -> str:
    """Ask for licences by kind, whatever exporter serves them."""
    family = select(params, f"rackwatt_scheduler_license_{what}")
    return f"sum by (license, nodes) ({family})"
