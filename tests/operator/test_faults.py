"""Everything goes wrong that can between an operator and its API server: it comes to the same end.

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


def meddle(hands: KubeUser, made: list[Manifest], chance: random.Random) -> None:
    """Change something at random, as people and clumsy scripts do."""
    one = chance.choice([one for one in made if one["kind"] == "PowerTarget"])
    namespace, name = one["metadata"]["namespace"], one["metadata"]["name"]
    deed = chance.randrange(4)
    if deed == 0:
        one["spec"]["bmc"]["hosts"] = [{"names": f"n[1-{chance.randrange(2, 99)}]"}]
        hands.apply(one)
    elif deed == 1:
        hands.delete(ObjectKey("Service", namespace, f"pt-{name}"))
    elif deed == 2:
        hands.delete(ObjectKey("Deployment", namespace, f"pt-{name}-0"))
    else:
        config = ObjectKey("ConfigMap", namespace, f"pt-{name}")
        if hands.get(config):
            hands.merge(config, {"data": {"documents.yaml": "meddled"}})


def flags(namespace: str, who: Account, *more: str) -> list[str]:
    where = (f"--namespace={namespace}", f"--lease.namespace={who.namespace}")
    return [*where, "--lease.duration=1s", *more]


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[Proxy]:
    with proxied(control_plane) as running:
        yield running


@contextmanager
def operating_behind(
    proxy: Proxy, plane: ControlPlane, who: Account, namespace: str, *more: str
) -> Iterator[Operating]:
    arguments = flags(namespace, who, *more)
    with operating(plane, *arguments, kubeconfig=proxy.kubeconfig(who.kubeconfig)) as operator:
        yield operator


def lease_news(operator: Operating) -> list[str]:
    """List its log records of the Lease: `warn` at the first failure, `info` at the recovery."""
    return re.findall("level=(warn|info) .*the Lease: ", operator.log.read_text())


def test_refusals_at_random_delay_and_do_no_harm(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str, proxy: Proxy
) -> None:
    chance = random.Random(1)
    made = wanted(own_namespace)

    def refuse(method: str, path: str, watch: bool) -> int | None:
        if "/leases" in path or chance.random() > 0.3:
            return None
        if watch:
            return chance.choice([410, 429, 500])
        return chance.choice([409, 429, 500]) if method == "PATCH" else chance.choice([429, 500])

    with operating_behind(proxy, control_plane, who, own_namespace):
        proxy.fault = refuse
        for one in made:
            ours.apply(one)
        for _ in range(6):
            meddle(ours, made, chance)
        ours.until(lambda: proxy.injected.keys() >= {409, 429, 500})
        proxy.fault = lambda method, path, watch: None
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)


def test_a_watch_that_is_told_its_past_is_gone_begins_anew(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str, proxy: Proxy
) -> None:
    with operating_behind(proxy, control_plane, who, own_namespace):
        ours.apply(fleet("lab", own_namespace))
        converged(ours, own_namespace)
        proxy.fault = lambda method, path, watch: 410 if watch else None
        control_plane.compact()
        control_plane.restart_api_server()  # every watch ends, and asks for what is gone
        ours.until(lambda: proxy.injected[410] > 5)
        ours.delete(ObjectKey("Service", own_namespace, "pt-lab"))
        proxy.fault = lambda method, path, watch: None
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)


def test_a_watch_that_has_gone_silent_is_made_up_for_by_lists(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str, proxy: Proxy
) -> None:
    with operating_behind(proxy, control_plane, who, own_namespace, "--resync.interval=2s"):
        ours.apply(fleet("lab", own_namespace))
        converged(ours, own_namespace)
        proxy.silent = True
        ours.delete(ObjectKey("Service", own_namespace, "pt-lab"))
        ours.apply(fleet("late", own_namespace))
        converged(ours, own_namespace)
        assert proxy.swallowed
        ours.delete(ObjectKey("PowerTarget", own_namespace, "late"))
        ours.until(
            lambda: not [name for name in ours.children(own_namespace) if "late" in name.name]
        )
        at_rest(control_plane, who, ours)


def test_an_api_server_that_is_killed_and_comes_back_is_taken_up_again(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str
) -> None:
    arguments = flags(own_namespace, who)
    with operating(control_plane, *arguments, kubeconfig=who.kubeconfig) as operator:
        for one in wanted(own_namespace):
            ours.apply(one)
        control_plane.restart_api_server(abruptly=True)
        ours.until(lambda: ours.apply(fleet("after", own_namespace)))
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)
        assert operator.get("/healthz") == "ok\n"


def test_an_etcd_that_stands_still_for_a_while_delays_and_does_no_harm(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str
) -> None:
    made = wanted(own_namespace)
    arguments = flags(own_namespace, who)
    with operating(control_plane, *arguments, kubeconfig=who.kubeconfig) as operator:
        for one in made[:3]:
            ours.apply(one)
        with control_plane.etcd.frozen():
            ours.until(lambda: lease_news(operator)[-1:] == ["warn"])
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
                ours.apply(one)
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)


def test_a_restart_with_everything_there_writes_nothing(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str
) -> None:
    arguments = flags(own_namespace, who)
    for one in wanted(own_namespace):
        ours.apply(one)
    with operating(control_plane, *arguments, kubeconfig=who.kubeconfig):
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)
    control_plane.audit.mark()
    with operating(control_plane, *arguments, kubeconfig=who.kubeconfig) as operator:
        count = len(wanted(own_namespace))
        ours.until(lambda: operator.metric("rackwatt_operator_reconciles_total") >= count)
        ours.until(lambda: operator.metric("rackwatt_operator_queue_depth") == 0)
        assert not writes(control_plane, who)
