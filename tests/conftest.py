"""Settings of every test: event loops, the cluster they share, and the order of the slow ones.

`make test` runs several workers, a whole module in each: most tests wait for daemons, whose ports
and folders are their own. Each worker that needs a control plane starts one.
"""

import asyncio
import gc
from collections.abc import Callable, Mapping

import hypothesis
import pytest
import uvloop

from tests.stall_tolerant_loop import AttendedLoop

pytest_plugins = ["tests.cluster.fixtures"]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
    "attended": AttendedLoop,
}
# The same examples in every run, and no limit to how long a busy machine takes over one of them:
# `make fuzz` looks for new ones.
hypothesis.settings.load_profile("ci")


# Modules that take minutes start first: all workers would wait for one that started last.
SLOW = ("tests/images/", "tests/operator/", "tests/chart/", "tests/crds/", "tests/bench/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the slowest folders first; within each, and after them, keep the order."""
    last = len(SLOW)

    def rank(item: pytest.Item) -> int:
        return next((at for at, start in enumerate(SLOW) if item.nodeid.startswith(start)), last)

    items.sort(key=rank)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Collect garbage after the last test of a module: what was left open fails in its own."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run a module's tests on the loops its `LOOPS` names: asyncio's own where it names none."""
    names = getattr(getattr(item, "module", None), "LOOPS", ("asyncio",))
    return {name: LOOPS[name] for name in names}
