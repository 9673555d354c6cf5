"""Faults between an operator and its API server: the operator converges all the same.

The same end: every child there as it is planned, and then no more writes. That the operator itself
is killed is in test_kills.py.
"""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.convergence import at_rest, converged, writes
from tests.operator.fault_proxy import Proxy, proxied
from tests.operator.kube_user import KubeUser, binding, fleet
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import Account

REQUESTS = "rackwatt_operator_api_request_duration_seconds"


def wanted(namespace: str, count: int = 4) -> list[Manifest]:
    ref = {"name": "prod"}
    fleets = [fleet(f"lab{number}", namespace, schedulerRef=ref) for number in range(count)]
    return [binding("prod", namespace), *fleets, fleet("wide", namespace, bmc={"shards": 3})]


def meddle(kube_user: KubeUser, made: list[Manifest], chance: random.Random) -> None:
    """Change something at random, as people and clumsy scripts do."""
    one = chance.choice([one for one in made if one["kind"] == "PowerTarget"])
    namespace, name = one["metadata"]["namespace"], one["metadata"]["name"]
    deed = chance.randrange(4)
    if deed == 0:
        one["spec"]["bmc"]["hosts"] = [{"names": f"n[1-{chance.randrange(2, 99)}]"}]
        kube_user.apply(one)
    elif deed == 1:
        kube_user.delete(ObjectKey("Service", namespace, f"pt-{name}"))
    elif deed == 2:
        kube_user.delete(ObjectKey("Deployment", namespace, f"pt-{name}-0"))
    else:
        config = ObjectKey("ConfigMap", namespace, f"pt-{name}")
        if kube_user.get(config):
            kube_user.merge(config, {"data": {"documents.yaml": "meddled"}})


def flags(namespace: str, plane_account: Account, *more: str) -> list[str]:
    where = (f"--namespace={namespace}", f"--lease.namespace={plane_account.namespace}")
    return [*where, "--lease.duration=1s", *more]


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    with proxied(control_plane) as running:
        yield running


@contextmanager
def operating_behind(
    proxy: Proxy, plane: ControlPlane, plane_account: Account, namespace: str, *more: str
) -> Iterator[Operating]:
    arguments = flags(namespace, plane_account, *more)
    with operating(
        plane, *arguments, kubeconfig=proxy.kubeconfig(plane_account.kubeconfig)
    ) as operator:
        yield operator


def lease_news(operator: Operating) -> list[str]:
    """List its log records of the Lease: `warn` at the first failure, `info` at the recovery."""
    return re.findall("level=(warn|info) .*the Lease: ", operator.log.read_text())


def test_the_operator_converges_despite_random_refusals(
    control_plane: ControlPlane,
    plane_user: KubeUser,
    plane_account: Account,
    own_namespace: str,
    proxy: Proxy,
) -> None:
    chance = random.Random(1)
    made = wanted(own_namespace)

    def refuse(method: str, path: str, watch: bool) -> int | None:
        if "/leases" in path or chance.random() > 0.3:
            return None
        if watch:
            return chance.choice([410, 429, 500])
        return chance.choice([409, 429, 500]) if method == "PATCH" else chance.choice([429, 500])

    with operating_behind(proxy, control_plane, plane_account, own_namespace):
        proxy.fault = refuse
        for one in made:
            plane_user.apply(one)
        for _ in range(6):
            meddle(plane_user, made, chance)
        plane_user.until(lambda: proxy.injected.keys() >= {409, 429, 500})
        proxy.fault = lambda method, path, watch: None
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)


def test_the_operator_restarts_a_watch_that_receives_410_gone(
    control_plane: ControlPlane,
    plane_user: KubeUser,
    plane_account: Account,
    own_namespace: str,
    proxy: Proxy,
) -> None:
    with operating_behind(proxy, control_plane, plane_account, own_namespace):
        plane_user.apply(fleet("lab", own_namespace))
        converged(plane_user, own_namespace)
        proxy.fault = lambda method, path, watch: 410 if watch else None
        control_plane.compact()
        control_plane.restart_api_server()  # every watch ends, and asks for what is gone
        plane_user.until(lambda: proxy.injected[410] > 5)
        plane_user.delete(ObjectKey("Service", own_namespace, "pt-lab"))
        proxy.fault = lambda method, path, watch: None
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)


def test_the_operator_converges_by_lists_when_a_watch_goes_silent(
    control_plane: ControlPlane,
    plane_user: KubeUser,
    plane_account: Account,
    own_namespace: str,
    proxy: Proxy,
) -> None:
    with operating_behind(
        proxy, control_plane, plane_account, own_namespace, "--resync.interval=2s"
    ):
        plane_user.apply(fleet("lab", own_namespace))
        converged(plane_user, own_namespace)
        proxy.silent = True
        plane_user.delete(ObjectKey("Service", own_namespace, "pt-lab"))
        plane_user.apply(fleet("late", own_namespace))
        converged(plane_user, own_namespace)
        assert proxy.swallowed
        plane_user.delete(ObjectKey("PowerTarget", own_namespace, "late"))
        plane_user.until(
            lambda: not [name for name in plane_user.children(own_namespace) if "late" in name.name]
        )
        at_rest(control_plane, plane_account, plane_user)


def test_the_operator_resumes_after_the_api_server_is_killed_and_restarted(
    control_plane: ControlPlane, plane_user: KubeUser, plane_account: Account, own_namespace: str
) -> None:
    arguments = flags(own_namespace, plane_account)
    with operating(control_plane, *arguments, kubeconfig=plane_account.kubeconfig) as operator:
        for one in wanted(own_namespace):
            plane_user.apply(one)
        control_plane.restart_api_server(abruptly=True)
        plane_user.until(lambda: plane_user.apply(fleet("after", own_namespace)))
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)
        assert operator.get("/healthz") == "ok\n"


def test_the_operator_converges_after_etcd_was_frozen(
    control_plane: ControlPlane, plane_user: KubeUser, plane_account: Account, own_namespace: str
) -> None:
    made = wanted(own_namespace)
    arguments = flags(own_namespace, plane_account)
    with operating(control_plane, *arguments, kubeconfig=plane_account.kubeconfig) as operator:
        for one in made[:3]:
            plane_user.apply(one)
        with control_plane.etcd.frozen():
            plane_user.until(lambda: lease_news(operator)[-1:] == ["warn"])
            operator.daemon.wait_until(
                lambda: operator.metric("rackwatt_operator_leader") == 0, "it stops leading"
            )
            operator.daemon.wait_until(
                lambda: operator.metric(f"{REQUESTS}_count", status="0") > 5, "more tries"
            )
            news = lease_news(operator)
            assert all(before != after for before, after in pairwise(news)), news
        with control_plane.etcd.slowed():
            for one in made:
                plane_user.apply(one)
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)


def test_the_operator_writes_nothing_at_a_restart_with_everything_in_place(
    control_plane: ControlPlane, plane_user: KubeUser, plane_account: Account, own_namespace: str
) -> None:
    arguments = flags(own_namespace, plane_account)
    for one in wanted(own_namespace):
        plane_user.apply(one)
    with operating(control_plane, *arguments, kubeconfig=plane_account.kubeconfig):
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)
    control_plane.audit.mark()
    with operating(control_plane, *arguments, kubeconfig=plane_account.kubeconfig) as operator:
        count = len(wanted(own_namespace))
        plane_user.until(lambda: operator.metric("rackwatt_operator_reconciles_total") >= count)
        plane_user.until(lambda: operator.metric("rackwatt_operator_queue_depth") == 0)
        assert not writes(control_plane, plane_account)
