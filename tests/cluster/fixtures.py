"""The fixtures that every test of the operator shares; tests/conftest.py brings them in.

`cluster` is the one that KUBECONFIG names (RACKWATT_TEST_KUBECONFIG before it), else a control
plane of our own. What would harm a cluster that others use (daemons stopped, CRDs removed) asks
for `control_plane`, which is always our own.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.tools import directory
from tests.cluster.clients import Kubectl
from tests.cluster.cluster import Cluster, existing
from tests.cluster.controlplane import ControlPlane


def kubeconfig() -> str:
    """Tell which cluster the environment names; nothing where none is named."""
    variables = ("RACKWATT_TEST_KUBECONFIG", "KUBECONFIG")
    return next((os.environ[name] for name in variables if os.environ.get(name)), "")


def pytest_report_header() -> str:
    """Say before the first test where they will be run."""
    return f"cluster: {kubeconfig() or 'a control plane of our own'}"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """Run a control plane of our own."""
    with ControlPlane(directory()) as running:
        yield running


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Give the cluster that tests run against."""
    if named := kubeconfig():
        with tempfile.TemporaryDirectory(prefix="rackwatt-cluster-") as folder:
            yield existing(named, Path(folder), directory())
    else:
        yield request.getfixturevalue("control_plane")


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Make a namespace of the test's own; it is deleted afterwards, without waiting."""
    yield from _namespace(cluster)


@pytest.fixture
def own_namespace(control_plane: ControlPlane) -> Iterator[str]:
    """Make a namespace on the control plane that is always our own."""
    yield from _namespace(control_plane)


def _namespace(cluster: Cluster) -> Iterator[str]:
    name = f"rackwatt-test-{secrets.token_hex(4)}"
    kubectl = Kubectl(cluster)
    kubectl.run("create", "namespace", name)
    yield name
    kubectl.delete("namespace", name)
