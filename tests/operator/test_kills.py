"""Killed a hundred times at any moment, the operator comes to what one comes to that was left alone.

Documents are made, edited and deleted meanwhile, and children meddled with, while it lives and
while it is dead. Where it is killed is drawn at random: after so many of its writes and a moment
more, so amid the next ones, or at any time since its start.
"""

import random
import time
from collections import Counter

from rackwatt_operator.kube.leader_election import NAME
from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.convergence import at_rest, converged, outcome, writes
from tests.operator.forked_operator import Lives
from tests.operator.kube_user import KubeUser, binding, fleet, object_key
from tests.operator.operator_process import operating
from tests.operator.service_account import Account

KILLS = 100
SEED = 20261121
MOST_DOCUMENTS = 6
EARLY_S = 0.6
AMID_S = 0.03
CREATING, EDITING = 6, 1
"""How many writes are sure to come of a new document, and of an edited one."""


class People:
    """Those who write documents, and clumsy scripts, all by one seed."""

    def __init__(self, hands: KubeUser, namespace: str, seed: int) -> None:
        self._hands = hands
        self._namespace = namespace
        self.chance = random.Random(seed)
        self.documents: dict[str, Manifest] = {}
        self._number = 0
        self._last = ""
        self._keep(binding("prod", namespace))

    def work(self) -> int:
        """Make a document or edit one; return how many writes of the operator it causes."""
        if len(self._fleets()) < 2 or self.chance.random() < 0.4:
            self._number += 1
            self._keep(self._fleet(f"lab{self._number}"))
            return CREATING
        self._keep(self._fleet(self.chance.choice(self._fleets())))
        return EDITING

    def meddle(self) -> None:
        """Delete a document where there are many, else a child, or change one; not of the last."""
        if not (others := [name for name in self._fleets() if name != self._last]):
            return
        name = self.chance.choice(others)
        if len(self.documents) > MOST_DOCUMENTS:
            self._hands.delete(object_key(self.documents.pop(name)))
            return
        kind, child = self.chance.choice(
            [("Service", f"pt-{name}"), ("Deployment", f"pt-{name}-0"), ("ConfigMap", f"pt-{name}")]
        )
        one = ObjectKey(kind, self._namespace, child)
        if self.chance.random() < 0.5:
            self._hands.delete(one)
        elif self._hands.get(one):
            change = {"app.kubernetes.io/part-of": "another"}
            self._hands.merge(one, {"metadata": {"labels": change}})

    def _fleet(self, name: str) -> Manifest:
        """Write a fleet that differs from any before in its hosts, and maybe in its children."""
        self._number += 1
        return fleet(
            name,
            self._namespace,
            f"n[1-{self._number}]",
            bmc={"shards": self.chance.randint(1, 3)},
            monitoring={"dashboards": {"enabled": self.chance.random() < 0.5}},
            schedulerRef={"name": "prod"},
        )

    def _keep(self, made: Manifest) -> None:
        self._hands.apply(made)
        self._last = made["metadata"]["name"]
        self.documents[self._last] = made

    def _fleets(self) -> list[str]:
        return sorted(self.documents.keys() - {"prod"})


def test_killed_at_any_moment_it_comes_to_the_same_end(
    control_plane: ControlPlane, ours: KubeUser, who: Account, own_namespace: str
) -> None:
    people = People(ours, own_namespace, SEED)
    flags = [f"--lease.namespace={who.namespace}", "--lease.duration=1s"]
    arguments = [f"--namespace={own_namespace}", f"--kubeconfig={who.kubeconfig}", *flags]
    log = control_plane.directory / "killed.log"
    written: Counter[int] = Counter()
    with Lives(log, *arguments, "--web.listen-address=127.0.0.1:0") as lives:
        for _ in range(KILLS):
            ours.delete(ObjectKey("Lease", who.namespace, NAME))  # as if its time were over
            control_plane.audit.mark()
            lives.begin()
            sure = people.work()
            people.meddle()
            live_until(control_plane, who, people.chance, sure)
            lives.kill()
            written[sum(writes(control_plane, who).values())] += 1
            people.meddle()
    print(f"{KILLS} kills after so many writes: {sorted(written.items())}")
    assert "Traceback" not in log.read_text(), log.read_text()
    with operating(control_plane, *arguments[:1], *flags, kubeconfig=who.kubeconfig):
        converged(ours, own_namespace)
        at_rest(control_plane, who, ours)
    again = f"{own_namespace}-again"
    ours.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": again}})
    assert outcome(ours, own_namespace) == undisturbed(control_plane, ours, who, people, again)


def live_until(plane: ControlPlane, who: Account, chance: random.Random, sure: int) -> None:
    """Wait for the moment at which it is killed."""
    if enough := chance.randint(0, sure):
        deadline_s = time.monotonic() + 120
        while sum(writes(plane, who).values()) < enough:
            assert time.monotonic() < deadline_s, "it has not written what it had to"
            time.sleep(0.005)
        time.sleep(chance.uniform(0, AMID_S))
    else:
        time.sleep(chance.uniform(0, EARLY_S))


def undisturbed(
    plane: ControlPlane, hands: KubeUser, who: Account, people: People, namespace: str
) -> Manifest:
    """Apply the same resources elsewhere, with an operator that is not disturbed."""
    flags = (f"--namespace={namespace}", f"--lease.namespace={who.namespace}")
    with operating(plane, *flags, kubeconfig=who.kubeconfig):
        for one in people.documents.values():
            hands.apply(one | {"metadata": one["metadata"] | {"namespace": namespace}})
        converged(hands, namespace)
        at_rest(plane, who, hands)
    return outcome(hands, namespace)
