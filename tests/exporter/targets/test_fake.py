"""Readings made up."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.fake import FakeDriver

ASK = """
import asyncio
from tests.exporter.targets.test_fake import watts
print(asyncio.run(watts("n1", 3)))
"""


async def watts(node: str, count: int, **options: float | int | None) -> list[float]:
    target = Target(node, "", "fake", FakeOptions(**options), "lab")  # type: ignore[arg-type]
    source = FakeDriver(Secrets(Path())).source(target)
    return [(await source.read()).watts for _ in range(count)]


async def test_a_node_shows_the_same_watts_in_every_process() -> None:
    message = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, check=True, text=True
    )
    assert message.stdout.strip() == str(await watts("n1", 3))


async def test_nodes_and_seeds_differ_from_one_another() -> None:
    series = [await watts("n1", 2), await watts("n2", 2), await watts("n1", 2, seed=7)]
    assert len({tuple(each) for each in series}) == 3
    assert series[2] == await watts("n1", 2, seed=7)


@given(bounds=st.tuples(*[st.floats(0, 1e6)] * 2).map(sorted), seed=st.none() | st.integers())
async def test_watts_lie_between_the_bounds(bounds: list[float], seed: int | None) -> None:
    least, most = bounds
    assert all(
        least <= each <= most for each in await watts("n1", 5, min=least, max=most, seed=seed)
    )


async def test_bounds_the_wrong_way_round_are_an_invalid_entry() -> None:
    with pytest.raises(ReadError, match=r"fake\.min") as caught:
        await watts("n1", 1, min=500.0, max=100.0)
    assert caught.value.reason is Reason.INVALID_ENTRY
