"""A stage of nodes and pods on our own control plane, and an account that may read it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.exporter.schedulers.kubernetes.cluster_objects import Stage, reader


@pytest.fixture
def stage(control_plane: ControlPlane, own_namespace: str) -> Iterator[Stage]:
    stage = Stage(control_plane, own_namespace)
    yield stage
    stage.clean()


@pytest.fixture
def token(control_plane: ControlPlane, own_namespace: str) -> Path:
    return reader(control_plane, own_namespace)
