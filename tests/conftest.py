"""What holds for every test: the event loops that asynchronous ones run on, the cluster they share."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

pytest_plugins = ["tests.cluster.fixtures"]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run a module's tests on the loops its `LOOPS` names: asyncio's own where it names none."""
    names = getattr(getattr(item, "module", None), "LOOPS", ("asyncio",))
    return {name: LOOPS[name] for name in names}
