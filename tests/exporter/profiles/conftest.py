"""Nodes with stores, closed after a test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rackwatt_crds.model import Model
from tests.exporter.profiles.profiled_node import ProfiledNode

MakeNode = Callable[..., ProfiledNode]


@pytest.fixture
async def node_of() -> AsyncIterator[MakeNode]:
    """Make a node over a tree, with these collectors and managers."""
    nodes: list[ProfiledNode] = []

    def make(root: Path, *collectors: str, **managers: Model | None) -> ProfiledNode:
        nodes.append(ProfiledNode(root, *collectors, **managers))
        return nodes[-1]

    yield make
    for node in nodes:
        await node.close()
