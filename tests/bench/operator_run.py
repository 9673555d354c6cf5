"""A run of the operator: a thousand documents at once, edits, rest, a restart.

The operator is a process of its own, as its users run it, with the rights of its RBAC table. A bare
client does the same applies for other documents, once before and once after, so that a machine that
slows down does so for both. It does all of them each time: the controllers that work on what was
applied lag behind at first, and a shorter run would have fewer of them beside it.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from tests.bench.audit_window import Activity, Meter, audit_log, is_change
from tests.bench.bare_client import applying, creating, send
from tests.bench.power_targets import children, is_fleet, power_targets
from tests.bench.process import resident_mib
from tests.bench.report import progress
from tests.cluster import documents, monitoring
from tests.cluster.clients import Api, Kubectl
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser, base, object_key
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import Account, account

T = TypeVar("T")

OPERATED = "fleet"
PATIENCE_S = 400.0
WARMING = 20
EDIT_EVERY_S = 0.1
_ADMIN = "admin"
_PROGRESS_EVERY_S = 10.0
_DONE = re.compile(
    r'^rackwatt_operator_reconciles_total\{.*result="success".*\} (\S+)$', re.MULTILINE
)
_LAST = re.compile(r"^rackwatt_operator_last_success_timestamp_seconds (\S+)$", re.MULTILINE)
_DEPTH = re.compile(r"^rackwatt_operator_queue_depth (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Applied:
    """Children applied, and the seconds from the first request to the last apply's response."""

    applies: int
    took_s: float
    during: Activity


@dataclass(frozen=True, slots=True)
class Edited:
    """Edits, each with the seconds until the API server answered the last apply it caused."""

    lags_s: list[float]
    during: Activity


@dataclass(frozen=True, slots=True)
class Rested:
    """Rest: a period without changes."""

    took_s: float
    resident_mib: float
    during: Activity


@dataclass(frozen=True, slots=True)
class Restarted:
    """A restart: the seconds from the process' start until every document was looked at."""

    took_s: float
    during: Activity


@dataclass(frozen=True, slots=True)
class Run:
    """All measurements of a run."""

    bare: list[Applied]
    created: Applied
    created_mib: float
    edited: Edited
    rested: Rested
    peak_mib: float
    restarted: Restarted
    restarted_mib: float


class Bench:
    """A control plane with everything installed, and an account for the operator.

    It is quiet once no client has changed anything for `quiet_s`.
    """

    def __init__(self, plane: ControlPlane, quiet_s: float) -> None:
        documents.install(plane)
        monitoring.install(plane)
        self._plane = plane
        self._quiet_s = quiet_s
        self._account: Account = account(plane)

    def run(self, targets: int, edits: int, rest_s: float) -> Run:
        """Measure one phase after the other."""
        self._bare(WARMING, "warming")
        before = self._bare(targets, "bare-before")
        flags = (f"--namespace={OPERATED}", f"--lease.namespace={self._account.namespace}")
        with operating(self._plane, *flags, kubeconfig=self._account.kubeconfig) as operator:
            created = self._create(operator, targets)
            created_mib = resident_mib(operator.daemon.pid)
            edited = self._edit(operator, targets, edits)
            rested = self._rest(operator, rest_s)
            peak_mib = resident_mib(operator.daemon.pid, peak=True)
            restarted = self._restart(operator, targets)
            restarted_mib = resident_mib(operator.daemon.pid)
        after = self._bare(targets, "bare-after")
        return Run(
            [before, after], created, created_mib, edited, rested, peak_mib, restarted,
            restarted_mib,
        )  # fmt: skip

    def _bare(self, count: int, namespace: str) -> Applied:
        """Apply the children of some documents with a bare client, as the operator does for others."""
        self._make_namespace(namespace)
        made = send(self._plane, map(creating, power_targets(count, namespace)))
        wanted = [applying(one) for raw in made for one in children(msgspec.json.decode(raw))]
        self._until_quiet()
        progress(f"{len(wanted)} applies by a bare client")
        meter = Meter(self._plane, _ADMIN, os.getpid())
        send(self._plane, wanted)
        during = meter.activity(os.getpid())
        return _applied(during, during.applies[0].received_s)

    def _create(self, operator: Operating, targets: int) -> Applied:
        self._make_namespace(OPERATED)
        self._until_quiet()
        manifests = power_targets(targets, OPERATED)
        wanted = sum(1 for manifest in manifests for _ in children(manifest))
        progress(f"creating {targets} PowerTargets, of which come {wanted} children")
        meter = Meter(self._plane, self._account.user, operator.daemon.pid)
        ours = Meter(self._plane, _ADMIN)
        send(self._plane, map(creating, manifests))

        def made() -> Activity | None:
            during = meter.activity(operator.daemon.pid)
            return during if len(during.applies) >= wanted else None

        during = _until("every child is applied", made, 1.0)
        first_s = min(call.received_s for call in ours.activity(os.getpid()).calls if call.writes)
        self._until_quiet()
        return _applied(during, first_s)

    def _edit(self, operator: Operating, targets: int, edits: int) -> Edited:
        """Change some fleets, one after the other."""
        fleets = [one for one in power_targets(targets, OPERATED) if is_fleet(one)][:edits]
        progress(f"editing {len(fleets)} documents, one every {EDIT_EVERY_S:g} s")
        meter = Meter(self._plane, self._account.user, operator.daemon.pid)
        ours = Meter(self._plane, _ADMIN)
        with Api(self._plane) as api:
            for one in fleets:
                hosts = [{"names": "n[1-4]"}]
                KubeUser(api).merge(object_key(one), {"spec": {"bmc": {"hosts": hosts}}})
                time.sleep(EDIT_EVERY_S)
        self._until_quiet()
        during = meter.activity(operator.daemon.pid)
        calls = ours.activity(os.getpid()).calls
        edited_s = {call.name: call.received_s for call in calls if call.verb == "patch"}
        done_s = {call.name: call.done_s for call in during.applies}
        lags_s = [done_s[base(one)] - edited_s[one["metadata"]["name"]] for one in fleets]
        return Edited(sorted(lags_s), during)

    def _rest(self, operator: Operating, rest_s: float) -> Rested:
        meter = Meter(self._plane, self._account.user, operator.daemon.pid)
        began_s = time.monotonic()
        while (left_s := began_s + rest_s - time.monotonic()) > 0:
            progress(f"at rest, {left_s:.0f} s to go")
            time.sleep(min(left_s, _PROGRESS_EVERY_S))
        took_s = time.monotonic() - began_s
        memory_mib = resident_mib(operator.daemon.pid)
        return Rested(took_s, memory_mib, meter.activity(operator.daemon.pid))

    def _restart(self, operator: Operating, targets: int) -> Restarted:
        operator.stop()
        progress("restarting the operator")
        meter = Meter(self._plane, self._account.user)
        began_s = time.time()
        operator.start()

        def settled() -> bool:
            page = operator.get("/metrics")
            done = sum(map(float, _DONE.findall(page)))
            return done >= targets and _DEPTH.findall(page) == ["0.0"]

        # Rarely: a page about a thousand documents takes from the operator what it starts with.
        _until("every document is looked at", settled, 2.0)
        (last_s,) = _LAST.findall(operator.get("/metrics"))
        took_s = float(last_s) - began_s
        self._until_quiet()
        return Restarted(took_s, meter.activity(operator.daemon.pid))

    def _make_namespace(self, name: str) -> None:
        Kubectl(self._plane).run("create", "namespace", name)

    def _until_quiet(self) -> None:
        """Wait until no client changes anything: the control plane's controllers lag behind."""

        def quiet() -> bool:
            log = audit_log(self._plane)
            time.sleep(self._quiet_s)
            return not any(map(is_change, log.calls()))

        _until("the control plane is quiet", quiet, 0)


def _applied(during: Activity, first_s: float) -> Applied:
    last_s = max(call.done_s for call in during.applies)
    return Applied(len(during.applies), last_s - first_s, during)


def _until(what: str, condition: Callable[[], T | None], pause_s: float) -> T:
    """Wait until a condition returns a true value, and return it."""
    began_s = reported_s = time.monotonic()
    while not (result := condition()):
        now_s = time.monotonic()
        if now_s - began_s > PATIENCE_S:
            raise TimeoutError(f"waited {PATIENCE_S:.0f} s in vain until {what}")
        if now_s - reported_s > _PROGRESS_EVERY_S:
            progress(f"waiting until {what}, {now_s - began_s:.0f} s so far")
            reported_s = now_s
        time.sleep(pause_s)
    return result
