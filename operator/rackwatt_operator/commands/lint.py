"""What is right in a document and may yet not work in a cluster."""

import json
from collections.abc import Iterator
from itertools import chain

from rackwatt_crds.bmc.expansion import expand_hosts, method, valid_entries
from rackwatt_crds.bmc.hosts import Access, Bmc, HostEntry
from rackwatt_crds.bmc.ipmi import IpmiSsh
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.kinds import METHODS, given
from rackwatt_crds.schedulers.slurm import Slurm, SlurmSsh
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.wording import counted
from rackwatt_operator.commands.input_files import InputDocument, bindings

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MOST_ANNOTATIONS = 256 * 1024


def warnings(documents: list[InputDocument]) -> Iterator[str]:
    """List the doubts, each behind the document it concerns."""
    for one in documents:
        if one.loaded.document is not None:
            doubts = _size(one), _missing(one, documents), _doubts(one.loaded.document)
            for doubt in chain(*doubts):
                yield f"{one.loaded}: {doubt}"
    yield from _measured_twice(documents)


def _size(one: InputDocument) -> Iterator[str]:
    """Doubt what kubectl cannot apply in the way that most people do."""
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


def _doubts(document: Document) -> Iterator[str]:
    if isinstance(document, PowerTarget):
        yield from _fleet(document.spec.bmc) if document.spec.bmc else ()
    elif document.spec.slurm is not None:
        yield from _slurm(document.spec.slurm)


def _fleet(bmc: Bmc) -> Iterator[str]:
    told = {doubt for entry in valid_entries(bmc) for doubt in _entry(bmc, entry)}
    told.update(_unread(bmc, {method(bmc, entry) for entry in valid_entries(bmc)}))
    yield from sorted(told)


def _unread(said: Access, asked: set[str]) -> Iterator[str]:
    """Doubt settings of a protocol by which none of the targets they are for is asked."""
    for kind, _ in given(METHODS, said):
        if asked and kind.name not in asked:
            by = ", ".join(sorted(asked))
            yield (
                f"{kind.name}: said of targets that are asked by {by}; "
                f"should `method` be {kind.name}?"
            )


def _entry(bmc: Bmc, entry: HostEntry) -> Iterator[str]:
    asked = method(bmc, entry)
    yield from _unread(entry, {asked})
    if METHODS[asked].logs_in and not (entry.credentials or bmc.credentials):
        yield f"credentials: {asked} needs a Secret, and none is named: such targets cannot be read"
    if asked == "ipmiSsh":
        yield from _ssh("ipmiSsh", entry.ipmi_ssh, bmc.ipmi_ssh)
    if asked == "snmp":
        oids = [oid.oid for layer in (entry.snmp, bmc.snmp) if layer for oid in layer.oids or ()]
        if any("::" in oid for oid in oids):
            yield "snmp.oids: symbolic names need their MIBs in the collector's image"


def _slurm(slurm: Slurm) -> Iterator[str]:
    if slurm.cli is not None:
        yield (
            "slurm.cli: the collector's image would need Slurm's commands, its key and munge; "
            "slurm.rest and slurm.ssh need none"
        )
    if slurm.rest is not None and slurm.rest.url.startswith("unix:"):
        yield "slurm.rest.url: a pod has no socket of its host; slurmrestd's TCP port needs none"
    if slurm.ssh is not None:
        yield from _ssh("slurm.ssh", slurm.ssh)


def _ssh(path: str, *layers: IpmiSsh | SlurmSsh | None) -> Iterator[str]:
    """Doubt an ssh that would look into a home that no pod has."""
    said = [layer for layer in layers if layer is not None]
    if not any(layer.key_secret_ref for layer in said):
        yield f"{path}.keySecretRef: a pod has no key of its own"
    if not any(layer.known_hosts_secret_ref for layer in said):
        yield f"{path}.knownHostsSecretRef: a pod knows no host, and unknown ones are refused"


def _measured_twice(documents: list[InputDocument]) -> Iterator[str]:
    """Doubt a node that two fleets name: two collectors would ask its BMC."""
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
                told = f"{counted(len(twice), 'node')}, first {twice[0]}, also of {also}"
                yield f"{one.loaded}: {told}: two collectors would poll the same BMCs"
