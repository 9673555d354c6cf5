"""Warnings: valid settings that may not work in a cluster."""

import json
from collections.abc import Iterator
from itertools import chain

from rackwatt_crds.bmc.expansion import expand_hosts, method, valid_entries
from rackwatt_crds.bmc.hosts import Access, Bmc, HostEntry
from rackwatt_crds.bmc.ipmi import IpmiSsh
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.kinds import METHODS, SCHEDULERS, given
from rackwatt_crds.model import Model
from rackwatt_crds.schedulers.commands import Ssh
from rackwatt_crds.schedulers.slurm import Slurm
from rackwatt_crds.tracing import Tracing
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.wording import counted
from rackwatt_operator.commands.input_files import InputDocument, bindings
from rackwatt_operator.manifests.labels import component, labels

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_ANNOTATIONS = 256 * 1024


def warnings(documents: list[InputDocument]) -> Iterator[str]:
    """Yield the warnings, each with its resource."""
    for one in documents:
        if one.loaded.document is not None:
            document = one.loaded.document
            warnings = (
                _size(one),
                _missing(one, documents),
                _labels(document),
                _warnings(document),
            )
            for warning in chain(*warnings):
                yield f"{one.loaded}: {warning}"
    yield from _measured_twice(documents)


def _size(one: InputDocument) -> Iterator[str]:
    """Warn of what `kubectl apply` cannot apply client-side."""
    size = len(json.dumps(one.raw, separators=(",", ":"), default=str).encode())
    if size + len(_LAST_APPLIED) > _MOST_ANNOTATIONS:
        yield (
            f"it comes to {-(-size // 1024)} KiB: apply it with `kubectl apply --server-side`. "
            "Without, kubectl keeps a copy in an annotation, and an object holds 256 KiB of these"
        )


def _missing(one: InputDocument, documents: list[InputDocument]) -> Iterator[str]:
    document = one.loaded.document
    here = bindings(documents, one.loaded.namespace)
    for name in sorted(set(named_bindings(document)) - here.keys()) if document else ():
        yield (
            f"schedulerRef.name: no SchedulerBinding {name!r} of namespace {one.loaded.namespace} "
            "is among these documents; without one, node states are missing"
        )


def _labels(document: Document) -> Iterator[str]:
    """Warn of labels that Prometheus copies, and that Service or pods do not have."""
    monitoring, pod = document.spec.monitoring, document.spec.pod
    monitor = monitoring.service_monitor if monitoring else None
    if monitor is None:
        return
    of_service = set(labels("", component(document)))
    of_pods = of_service | set((pod and pod.labels) or ())
    for field, wanted, owner, there in (
        (
            "jobLabel",
            [monitor.job_label] if monitor.job_label else [],
            "the Service has",
            of_service,
        ),
        ("targetLabels", monitor.target_labels or [], "the Service has", of_service),
        ("podTargetLabels", monitor.pod_target_labels or [], "the pods have", of_pods),
    ):
        for name in wanted:
            if name not in there:
                yield (
                    f"monitoring.serviceMonitor.{field}: {owner} no label {name!r}, only "
                    f"{', '.join(sorted(there))}"
                )


def _warnings(document: Document) -> Iterator[str]:
    if isinstance(document, PowerTarget):
        yield from _fleet(document.spec.bmc) if document.spec.bmc else ()
        return
    for kind, settings in given(SCHEDULERS, document.spec):
        yield from _scheduler(kind.name, settings)
    yield from _tracing(document.spec.tracing)


def _fleet(bmc: Bmc) -> Iterator[str]:
    warnings = {warning for entry in valid_entries(bmc) for warning in _entry(bmc, entry)}
    warnings.update(_unread(bmc, {method(bmc, entry) for entry in valid_entries(bmc)}))
    yield from sorted(warnings)


def _unread(settings: Access, methods: set[str]) -> Iterator[str]:
    """Warn of settings of a method that none of their targets uses."""
    for kind, _ in given(METHODS, settings):
        if methods and kind.name not in methods:
            used = ", ".join(sorted(methods))
            yield (
                f"{kind.name}: has no effect on targets with method {used}; "
                f"should `method` be {kind.name}?"
            )


def _entry(bmc: Bmc, entry: HostEntry) -> Iterator[str]:
    name = method(bmc, entry)
    yield from _unread(entry, {name})
    if METHODS[name].logs_in and not (entry.credentials or bmc.credentials):
        yield f"credentials: {name} needs a Secret, and none is named: such targets cannot be read"
    if name == "ipmiSsh":
        yield from _ssh("ipmiSsh", entry.ipmi_ssh, bmc.ipmi_ssh)
    if name == "snmp":
        oids = [oid.oid for layer in (entry.snmp, bmc.snmp) if layer for oid in layer.oids or ()]
        if any("::" in oid for oid in oids):
            yield "snmp.oids: symbolic names need their MIBs in the collector's image"


def _scheduler(name: str, settings: Model) -> Iterator[str]:
    if getattr(settings, "cli", None) is not None:
        yield (
            f"{name}.cli: the collector's image would need the scheduler's commands, their "
            f"configuration and keys; {name}.ssh needs none of them"
        )
    if isinstance(settings, Slurm) and settings.rest and settings.rest.url.startswith("unix:"):
        yield "slurm.rest.url: a pod has no socket of its host; slurmrestd's TCP port needs none"
    if isinstance(ssh := getattr(settings, "ssh", None), Ssh):
        yield from _ssh(f"{name}.ssh", ssh)


def _tracing(tracing: Tracing | None) -> Iterator[str]:
    if tracing is not None and tracing.enabled and tracing.token_secret_ref is None:
        yield "tracing.tokenSecretRef: without it, whatever reaches the Service may report any job"


def _ssh(path: str, *layers: IpmiSsh | Ssh | None) -> Iterator[str]:
    """Warn of ssh settings that require a home directory, which no pod has."""
    said = [layer for layer in layers if layer is not None]
    if not any(layer.key_secret_ref for layer in said):
        yield f"{path}.keySecretRef: a pod has no key of its own"
    if not any(layer.known_hosts_secret_ref for layer in said):
        yield f"{path}.knownHostsSecretRef: a pod knows no host, and unknown ones are refused"


def _measured_twice(documents: list[InputDocument]) -> Iterator[str]:
    """Warn of a node that two fleets name: two collectors would poll its BMC."""
    seen: dict[str, InputDocument] = {}
    for one in documents:
        document = one.loaded.document
        if isinstance(document, PowerTarget) and document.spec.bmc is not None:
            bmc = document.spec.bmc
            nodes = {
                name for entry in valid_entries(bmc) for name in expand_hosts(bmc, entry).names
            }
            twice = sorted(node for node in nodes if seen.setdefault(node, one) is not one)
            if twice:
                also = seen[twice[0]].loaded
                message = f"{counted(len(twice), 'node')}, first {twice[0]}, also of {also}"
                yield f"{one.loaded}: {message}: two collectors would poll the same BMCs"
