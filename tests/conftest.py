"""What holds for every test: the event loops that asynchronous ones run on, the cluster they share."""

import asyncio
from collections.abc import Callable, Mapping

import hypothesis
import pytest
import uvloop

from tests.attended_time import AttendedLoop

pytest_plugins = ["tests.cluster.fixtures"]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
    "attended": AttendedLoop,
}
# The same examples in every run, and no limit to how long a busy machine takes over one of them:
# it is `make fuzz` that looks for what nobody has seen yet.
hypothesis.settings.load_profile("ci")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run a module's tests on the loops its `LOOPS` names: asyncio's own where it names none."""
    names = getattr(getattr(item, "module", None), "LOOPS", ("asyncio",))
    return {name: LOOPS[name] for name in names}
