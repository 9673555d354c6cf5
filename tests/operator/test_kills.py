"""An operator that is killed a hundred times at any moment converges to the same result as another.

Meanwhile documents are created, edited and deleted, and children changed, while the operator runs
and while it is dead. The moment of a kill is drawn at random: after a number of its writes and a
moment more, so amid the next ones, or at any time since its start.
"""

import random
import time
from collections import Counter

from rackwatt_operator.kube.leader_election import NAME
from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.convergence import at_rest, converged, outcome, writes
from tests.operator.forked_operator import ForkedOperators
from tests.operator.kube_user import KubeUser, binding, fleet, object_key
from tests.operator.operator_process import operating
from tests.operator.service_account import Account

KILLS = 100
SEED = 20261121
MOST_DOCUMENTS = 6
EARLY_S = 0.6
AMID_S = 0.03
CREATING, EDITING = 6, 1
"""Minimum number of writes for a new document, and for an edited one."""


class UserActivity:
    """Users who edit documents, and scripts that damage children, all by one seed."""

    def __init__(self, kube_user: KubeUser, namespace: str, seed: int) -> None:
        self._kube_user = kube_user
        self._namespace = namespace
        self.chance = random.Random(seed)
        self.documents: dict[str, Manifest] = {}
        self._number = 0
        self._last = ""
        self._keep(binding("prod", namespace))

    def change(self) -> int:
        """Create or edit a document; return how many writes of the operator it causes."""
        if len(self._fleets()) < 2 or self.chance.random() < 0.4:
            self._number += 1
            self._keep(self._fleet(f"lab{self._number}"))
            return CREATING
        self._keep(self._fleet(self.chance.choice(self._fleets())))
        return EDITING

    def disturb(self) -> None:
        """Delete a document where there are many, else a child, or change one; not of the last."""
        if not (others := [name for name in self._fleets() if name != self._last]):
            return
        name = self.chance.choice(others)
        if len(self.documents) > MOST_DOCUMENTS:
            self._kube_user.delete(object_key(self.documents.pop(name)))
            return
        kind, child = self.chance.choice(
            [("Service", f"pt-{name}"), ("Deployment", f"pt-{name}-0"), ("ConfigMap", f"pt-{name}")]
        )
        one = ObjectKey(kind, self._namespace, child)
        if self.chance.random() < 0.5:
            self._kube_user.delete(one)
        elif self._kube_user.get(one):
            change = {"app.kubernetes.io/part-of": "another"}
            self._kube_user.merge(one, {"metadata": {"labels": change}})

    def _fleet(self, name: str) -> Manifest:
        """Return a fleet that differs from any before in its hosts, and maybe in its children."""
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
        self._kube_user.apply(made)
        self._last = made["metadata"]["name"]
        self.documents[self._last] = made

    def _fleets(self) -> list[str]:
        return sorted(self.documents.keys() - {"prod"})


def test_an_operator_killed_at_any_moment_converges_to_the_same_result(
    control_plane: ControlPlane, plane_user: KubeUser, plane_account: Account, own_namespace: str
) -> None:
    activity = UserActivity(plane_user, own_namespace, SEED)
    flags = [f"--lease.namespace={plane_account.namespace}", "--lease.duration=1s"]
    arguments = [f"--namespace={own_namespace}", f"--kubeconfig={plane_account.kubeconfig}", *flags]
    log = control_plane.directory / "killed.log"
    written: Counter[int] = Counter()
    with ForkedOperators(log, *arguments, "--web.listen-address=127.0.0.1:0") as operators:
        for _ in range(KILLS):
            # As if its time were over.
            plane_user.delete(ObjectKey("Lease", plane_account.namespace, NAME))
            control_plane.audit.mark()
            operators.start()
            sure = activity.change()
            activity.disturb()
            run_until(control_plane, plane_account, activity.chance, sure)
            operators.kill()
            written[sum(writes(control_plane, plane_account).values())] += 1
            activity.disturb()
    print(f"{KILLS} kills after so many writes: {sorted(written.items())}")
    assert "Traceback" not in log.read_text(), log.read_text()
    with operating(control_plane, *arguments[:1], *flags, kubeconfig=plane_account.kubeconfig):
        converged(plane_user, own_namespace)
        at_rest(control_plane, plane_account, plane_user)
    again = f"{own_namespace}-again"
    plane_user.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": again}})
    assert outcome(plane_user, own_namespace) == undisturbed_outcome(
        control_plane, plane_user, plane_account, activity, again
    )


def run_until(
    plane: ControlPlane, plane_account: Account, chance: random.Random, sure: int
) -> None:
    """Let the operator run until the moment at which it is killed."""
    if enough := chance.randint(0, sure):
        deadline_s = time.monotonic() + 120
        while sum(writes(plane, plane_account).values()) < enough:
            assert time.monotonic() < deadline_s, "it has not written what it had to"
            time.sleep(0.005)
        time.sleep(chance.uniform(0, AMID_S))
    else:
        time.sleep(chance.uniform(0, EARLY_S))


def undisturbed_outcome(
    plane: ControlPlane,
    kube_user: KubeUser,
    plane_account: Account,
    activity: UserActivity,
    namespace: str,
) -> Manifest:
    """Apply the same resources elsewhere, with an operator that is not disturbed."""
    flags = (f"--namespace={namespace}", f"--lease.namespace={plane_account.namespace}")
    with operating(plane, *flags, kubeconfig=plane_account.kubeconfig):
        for one in activity.documents.values():
            kube_user.apply(one | {"metadata": one["metadata"] | {"namespace": namespace}})
        converged(kube_user, namespace)
        at_rest(plane, plane_account, kube_user)
    return outcome(kube_user, namespace)
