"""Fixtures of tests with a running operator, whose account has the rights of its RBAC table."""

from collections.abc import Iterator

import pytest

from tests.cluster import documents
from tests.cluster.clients import Api
from tests.cluster.cluster import Cluster
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import Account, account


@pytest.fixture(scope="session")
def operated(cluster: Cluster) -> Cluster:
    """Return the cluster, with Rackwatt's CRDs installed."""
    documents.install(cluster)
    return cluster


@pytest.fixture(scope="session")
def kube_user(operated: Cluster) -> Iterator[KubeUser]:
    """Return a user with all rights."""
    with Api(operated) as api:
        yield KubeUser(api)


@pytest.fixture(scope="session")
def operator_account(operated: Cluster) -> Account:
    """Create the account of operators in tests."""
    return account(operated)


@pytest.fixture(scope="module")
def plane_user(control_plane: ControlPlane) -> Iterator[KubeUser]:
    """Return a user with all rights on our own control plane."""
    documents.install(control_plane)
    with Api(control_plane) as api:
        yield KubeUser(api)


@pytest.fixture(scope="module")
def plane_account(control_plane: ControlPlane, plane_user: KubeUser) -> Account:
    """Create the account of operators on the test's own control plane."""
    return account(control_plane)


@pytest.fixture(scope="module")
def operator(operated: Cluster, operator_account: Account) -> Iterator[Operating]:
    """Run one operator for the tests of a module, over the whole cluster."""
    flags = (f"--lease.namespace={operator_account.namespace}", "--lease.duration=2s")
    with operating(operated, *flags, kubeconfig=operator_account.kubeconfig) as running:
        yield running
