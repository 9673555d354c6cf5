"""The Secrets that a resource references, mounted as files into the collector's pod.

Each is a volume of its own, `optional`: one that is missing fails the targets that need it and
nothing else, and counts as soon as the kubelet finds it. What a collector's pages are served with
must be there before it starts: without it they would be open. Never by `subPath`, which is not
updated.

They are readable by every user of the container, which has one: which uid that is may be the
cluster's choice, and without an fsGroup root owns the files. Their folder on the node is root's.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.document import Document
from rackwatt_crds.fields import SecretKeyRef, SecretRef
from rackwatt_crds.kinds import SCHEDULERS, chosen
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.web import served_from

DIRECTORY = "/etc/rackwatt/secrets"
_MODE = 0o444
_OTHERS = ("accounting", "pod", "web")


def secrets(document: Document) -> list[str]:
    """List the Secrets that a document names, each once, in the order of their names.

    Those that open the registry are the kubelet's, and those that pages are read with a reader's.
    """
    spec = document.spec
    own = (getattr(spec, field) for field in spec.__struct_fields__ if field not in _OTHERS)
    return sorted({*(name for value in own for name in _named(value)), *served_from(spec.web)})


def secrets_of_accounting(spec: SchedulerBindingSpec, accounting: Accounting) -> list[str]:
    """List the Secrets that accounting reads: its own, and those of the scheduler."""
    _, settings = chosen(SCHEDULERS, spec)
    own = (getattr(accounting, field) for field in accounting.__struct_fields__)
    named = {name for value in (settings, *own) for name in _named(value)}
    pod, web = accounting.pod, accounting.web
    others = {name for value in (pod, web) if value for name in _named(value)}
    return sorted((named - others) | {*served_from(web)})


def volume(secret: str, optional: bool) -> dict[str, Any]:
    """Make the volume of a Secret."""
    source = {"secretName": secret, "optional": optional, "defaultMode": _MODE}
    return {"name": naming.volume(secret), "secret": source}


def volume_mount(secret: str) -> dict[str, Any]:
    """Mount it where the exporter looks for it."""
    return {
        "name": naming.volume(secret),
        "mountPath": f"{DIRECTORY}/{secret}",
        "readOnly": True,
    }


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, (SecretRef, SecretKeyRef)):
        yield value.name
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _named(getattr(value, field))
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
