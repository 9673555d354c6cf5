"""The fixtures that every test of the operator shares; tests/conftest.py brings them in.

`cluster` is the one that KUBECONFIG names (RACKWATT_TEST_KUBECONFIG before it), else a control
plane of our own. What would harm a cluster that others use (daemons stopped, CRDs removed) asks
for `control_plane`, which is always our own.
"""

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from scripts.tools import directory
from tests.cluster.clients import Api, Manifest
from tests.cluster.cluster import Cluster, existing
from tests.cluster.controlplane import ControlPlane
from tests.eventually import until

PASSING = (429, 500, 503)
DONE_BEFORE = (404, 409)
"""Errors of a retry where the first request succeeded and its response was lost."""


def kubeconfig() -> str:
    """Return the cluster that the environment names; None where it names none."""
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
    with new_namespace(cluster) as name:
        yield name


@pytest.fixture
def own_namespace(control_plane: ControlPlane) -> Iterator[str]:
    """Make a namespace on the control plane that is always our own."""
    with new_namespace(control_plane) as name:
        yield name


@contextmanager
def new_namespace(cluster: Cluster, labels: Mapping[str, str] | None = None) -> Iterator[str]:
    """Make a namespace, and delete it afterwards without waiting.

    By plain requests: kubectl would cost a test more than all it does.
    """
    name = f"rackwatt-test-{secrets.token_hex(4)}"
    _until_done(cluster, "POST", "", {"metadata": {"name": name, "labels": dict(labels or {})}})
    yield name
    _until_done(cluster, "DELETE", f"/{name}")


def _until_done(cluster: Cluster, method: str, name: str, body: Manifest | None = None) -> None:
    """Ask on a new connection, the test may have restarted the API server; again while it is busy."""

    def done() -> httpx.Response | None:
        with Api(cluster) as api, suppress(httpx.TransportError):
            answer = api.client.request(method, f"/api/v1/namespaces{name}", json=body)
            return answer if answer.status_code not in PASSING else None
        return None

    answer = until(done)
    assert answer.is_success or answer.status_code in DONE_BEFORE, answer.text
