"""What no model sees: host lists that do not fit, a node named twice, a URL of nothing.

An API server takes such documents. The exporter fails the targets concerned; the operator's `check`
tells before.
"""

from collections.abc import Iterator

from rackwatt_crds.bmc.entries import places
from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulers import pinned, service, services


def problems(document: Document) -> list[Problem]:
    """List what is wrong with a document that its model took."""
    if isinstance(document, PowerTarget):
        return list(_fleet(document.spec.bmc)) if document.spec.bmc else []
    return list(_scheduler(document.spec))


def _fleet(bmc: Bmc) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for place, entry in enumerate(bmc.hosts):
        if isinstance(entry, HostEntry):
            yield from _entry(bmc, entry, f"spec.bmc.hosts[{place}]", seen)


def _entry(bmc: Bmc, entry: HostEntry, path: str, seen: dict[str, str]) -> Iterator[Problem]:
    """Judge one entry; `seen` has the path of each node before it."""
    found = places(bmc, entry)
    for field, reason in found.problems:
        yield Problem(f"{path}.{field}", reason, alone=True)
    twice = [name for name in found.names if seen.setdefault(name, path) != path]
    if twice:
        told = f"node {twice[0]!r} stands at {seen[twice[0]]} already"
        yield Problem(f"{path}.names", told, alone=True)


def _scheduler(spec: SchedulerBindingSpec) -> Iterator[Problem]:
    for path, url in services(spec):
        try:
            service(url)
        except ValueError as error:
            yield Problem(path, str(error))
    if spec.noop is not None:
        try:
            pinned(spec.noop)
        except ValueError as error:
            yield Problem("", str(error))
