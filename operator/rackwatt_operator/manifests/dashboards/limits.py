"""The dashboard of a scheduler's limits: who is near one, and how the use of limits changes."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select

_NEAR = 0.9
_MOST = 15
_LEGEND = "{{qos}} {{account}} {{user}} {{partition}} {{limit}}"


def limit_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    used = _used(params)
    yield stat("Limits", f"count({used})", COUNT, "Of which the use is known.")
    yield stat("Nearly used up", f"sum({used} >= bool {_NEAR})", COUNT, f"{_NEAR:.0%} and more.")
    yield stat("Used up", f"sum({used} >= bool 1)", COUNT, "Jobs at a limit wait.")
    yield Panel(
        title="Use of limits",
        kind="table",
        queries=(Query(f"sort_desc({used} >= {_NEAR} or topk({_MOST}, {used}))"),),
        unit="percentunit",
        description=f"Who uses {_NEAR:.0%} or more of a limit, or the most. Without a user, all of "
        "the account; without an account too, all jobs of the QOS.",
        width=24,
        height=10,
        value="Used",
    )
    for title, matchers in (
        ("Accounts", ('account!=""', 'user=""')),
        ("Users", ('user!=""',)),
        ("QOS", ('account=""', 'user=""')),
    ):
        yield Panel(
            title=f"Use of limits: {title}",
            kind="timeseries",
            queries=(Query(f"topk({_MOST}, {_used(params, *matchers)})", _LEGEND),),
            unit="percentunit",
            description=f"The {_MOST} limits of which most is used.",
            width=24,
        )


def _used(params: Params, *matchers: str) -> str:
    """Ask for the use of each limit, whatever exporter serves it."""
    family = select(params, "rackwatt_scheduler_limit_used_ratio", *matchers)
    return f"max by (account, user, partition, qos, limit) ({family})"
