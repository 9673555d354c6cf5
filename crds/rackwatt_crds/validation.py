"""What no model sees: host lists that do not fit, a node named twice, a URL of nothing.

An API server accepts such documents. The exporter fails the targets concerned; `check` of either
program lists the problems first. A document with other problems is judged as far as it could be
read.
"""

from collections.abc import Iterator
from typing import Any

from rackwatt_crds.bmc.expansion import places
from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.bmc.mistakes import mistakes, times
from rackwatt_crds.decoding import InvalidItem, Problem
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.endpoints import Url, service
from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.kinds import PROVIDERS, SCHEDULERS, ConnectingKind, given
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.unread import UNREAD


def problems(document: Document) -> list[Problem]:
    """List what is wrong with a document beside what its model says, each problem once."""
    spec = document.spec
    if spec is UNREAD:
        return []
    found = _target(spec) if isinstance(spec, PowerTargetSpec) else _scheduler(spec)
    return list(dict.fromkeys(found))


def named_bindings(document: Document) -> Iterator[str]:
    """List the SchedulerBindings that a document names, as often as it does."""
    if not isinstance(document, PowerTarget) or document.spec is UNREAD:
        return
    bmc = document.spec.bmc
    entries = [entry for _, entry in _entries(bmc)] if bmc and bmc is not UNREAD else []
    for ref in (document.spec.scheduler_ref, *(entry.scheduler_ref for entry in entries)):
        if ref is not None and ref is not UNREAD and ref.name is not UNREAD:
            yield ref.name


def problems_of_grid(grid: Grid) -> Iterator[Problem]:
    """List what is wrong with a zone beside what its model says."""
    for kind, settings in given(PROVIDERS, grid):
        yield from _urls(f"spec.grid.{kind.name}", kind, settings)


def _target(spec: PowerTargetSpec) -> Iterator[Problem]:
    yield from times(spec)
    if spec.grid is not None:
        yield from problems_of_grid(spec.grid)
    if spec.bmc is None or spec.bmc is UNREAD:
        return
    seen: dict[str, str] = {}
    for path, entry in _entries(spec.bmc):
        found = places(spec.bmc, entry)
        yield from mistakes(spec, spec.bmc, entry, path, found)
        twice = [name for name in found.names if seen.setdefault(name, path) != path]
        if twice:
            reason = f"node {twice[0]!r} stands at {seen[twice[0]]} already"
            yield Problem(f"{path}.names", reason, alone=True)


def _entries(bmc: Bmc) -> Iterator[tuple[str, HostEntry]]:
    """List each entry with its path; of a broken one, what could be read."""
    for index, entry in enumerate(bmc.hosts if bmc.hosts is not UNREAD else ()):
        read = entry.partial if isinstance(entry, InvalidItem) else entry
        if read is not None:
            yield f"spec.bmc.hosts[{index}]", read


def _scheduler(spec: SchedulerBindingSpec) -> Iterator[Problem]:
    for kind, settings in given(SCHEDULERS, spec):
        yield from _urls(f"spec.{kind.name}", kind, settings)
        for field, reason in kind.problems(settings):
            yield Problem(f"spec.{kind.name}.{field}", reason)


def _urls(path: str, kind: ConnectingKind, settings: Any) -> Iterator[Problem]:
    for connection in kind.connections(settings):
        if isinstance(connection, Url) and connection.text is not UNREAD:
            try:
                service(connection.text)
            except ValueError as error:
                yield Problem(f"{path}.{connection.field}", str(error))
