"""How tests wait for what must come: as long as a busy machine may need, and not longer.

No test holds anything to these limits. They only end one that waits in vain, and are long, because
the machine that tests run on may be five times slower than the one they were written on.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120.0
LOOK_EVERY_S = 0.02

T = TypeVar("T")


def until(look: Callable[[], T | None]) -> T:
    """Look until there is something to see, and give it."""
    ends_s = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        assert time.monotonic() < ends_s, f"waited in vain, the last that was seen is {seen!r}"
        time.sleep(LOOK_EVERY_S)
    return seen


async def eventually(look: Callable[[], T | None]) -> T:
    """Look until there is something to see, and give it; the loop has its turns between."""
    async with asyncio.timeout(PATIENCE_S):
        while not (seen := look()):
            await asyncio.sleep(LOOK_EVERY_S)
    return seen
