"""Series of two users in one Prometheus, and what else it has: the world of the guard's tests."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rackwatt_accounting.guard.families import UNIT_FAMILIES
from rackwatt_accounting.identity.rights import ClusterScope, Scope
from rackwatt_accounting.model.window import Window

CLUSTER = "alpha"
MINE = ("101", "102", "10.1")
# Some only look like those of the caller, to a matcher that is not escaped or not anchored.
FOREIGN = ("201", "1010", "10x1", "101|201", ".+", "(101)", "101\n")
FAMILIES = (UNIT_FAMILIES,)
NAMES = ("rackwatt_unit_cpu_seconds_total", "rackwatt_unit_memory_used_bytes")
Labels = Mapping[str, str]


class World(NamedTuple):
    """Series of the caller, and all others."""

    mine: Sequence[Labels]
    foreign: Sequence[Labels]


def of_unit(name: str, unit: str, owner: str) -> Labels:
    return {"__name__": name, "unit": unit, "owner": owner, "node": f"n-{owner}", "mode": "user"}


WORLD = World(
    [of_unit(name, unit, "alice") for name in NAMES for unit in MINE],
    [
        *(of_unit(name, unit, "mallory") for name in NAMES for unit in FOREIGN),
        # A unit of the caller's id in a family whose label means something else.
        of_unit("node_systemd_unit_state", "101", "system"),
        of_unit("rackwatt_node_energy_joules_total", "101", "system"),
        {"__name__": "up", "node": "n1", "owner": "system"},
        {"__name__": "rackwatt_unit_manager_up", "node": "n1", "owner": "system"},
    ],
)


def scope(user: str = "alice", everything: bool = False) -> Scope:
    return Scope({CLUSTER: ClusterScope(user, everything)})


class Owned:
    """The units of the caller, and what was wanted of them."""

    def __init__(self, units: Sequence[str] = MINE) -> None:
        self.units = units
        self.wanted: list[tuple[Window, Window, Collection[str] | None, int]] = []

    async def ids(
        self,
        scope: Scope,
        cluster: str,
        window: Window,
        apart: Window,
        among: Collection[str] | None,
        limit: int,
    ) -> Sequence[str]:
        assert cluster == CLUSTER
        self.wanted.append((window, apart, among, limit))
        if scope.clusters[cluster].user != "alice":
            return []
        return [one for one in self.units if among is None or one in among][:limit]
