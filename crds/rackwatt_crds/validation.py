"""Validation beyond the models: lists of different lengths, duplicate nodes, invalid URLs.

The API server accepts such documents. The exporter fails the affected targets, and the `check`
command of either program lists the problems beforehand. A document with other problems is
validated as far as it could be read.
"""

import re
from collections.abc import Iterable, Iterator

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.accounting import connections as connections_of_accounting
from rackwatt_crds.accounting.mistakes import mistakes
from rackwatt_crds.bmc.expansion import expand_hosts
from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.bmc.mistakes import endpoint_problems, entry_problems, schedule_problems
from rackwatt_crds.decoding import InvalidItem, Problem
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.endpoints import Connection, Url, address_problem, parse_url
from rackwatt_crds.grid.zone import Grid
from rackwatt_crds.jobid import JobidTemplates
from rackwatt_crds.kinds import PROVIDERS, SCHEDULERS, given
from rackwatt_crds.lustre import Lustre
from rackwatt_crds.lustre import connections as connections_of_lustre
from rackwatt_crds.node.collectors import Node
from rackwatt_crds.node.redfish import connections as connections_of_redfish
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.quoting import shown
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.unread import UNREAD


def semantic_problems(document: Document) -> list[Problem]:
    """Return the problems of a document that its model does not see, each once."""
    spec = document.spec
    if spec is UNREAD:
        return []
    problems = _target(spec) if isinstance(spec, PowerTargetSpec) else _scheduler(spec)
    return list(dict.fromkeys(problems))


def named_bindings(document: Document) -> Iterator[str]:
    """Yield the names of the SchedulerBindings that a document references, with duplicates."""
    if not isinstance(document, PowerTarget) or document.spec is UNREAD:
        return
    bmc = document.spec.bmc
    entries = [entry for _, entry in _entries(bmc)] if bmc and bmc is not UNREAD else []
    for ref in (document.spec.scheduler_ref, *(entry.scheduler_ref for entry in entries)):
        if ref is not None and ref is not UNREAD and ref.name is not UNREAD:
            yield ref.name


def problems_of_grid(grid: Grid) -> Iterator[Problem]:
    """Yield the problems of a zone that its model does not see."""
    for kind, settings in given(PROVIDERS, grid):
        yield from _connections(f"spec.grid.{kind.name}", kind.connections(settings))


def problems_of_node(node: Node) -> Iterator[Problem]:
    """Yield the problems of collectors' settings that their models do not see."""
    if node.netdev is not None and node.netdev is not UNREAD:
        yield from _pattern("spec.node.netdev.include", node.netdev.include)
        yield from _pattern("spec.node.netdev.exclude", node.netdev.exclude)
    if node.redfish is not None and node.redfish is not UNREAD:
        yield from _connections("spec.node.redfish", connections_of_redfish(node.redfish))


def _target(spec: PowerTargetSpec) -> Iterator[Problem]:
    yield from schedule_problems(spec)
    if spec.node is not None and spec.node is not UNREAD:
        yield from problems_of_node(spec.node)
    if spec.grid is not None:
        yield from problems_of_grid(spec.grid)
    if spec.bmc is None or spec.bmc is UNREAD:
        return
    seen: dict[str, str] = {}
    endpoints: dict[tuple[str, str], str] = {}
    for path, entry in _entries(spec.bmc):
        hosts = expand_hosts(spec.bmc, entry)
        yield from entry_problems(spec, spec.bmc, entry, path, hosts)
        yield from endpoint_problems(spec.bmc, entry, path, hosts, endpoints)
        twice = [name for name in hosts.names if seen.setdefault(name, path) != path]
        if twice:
            reason = f"node {shown(twice[0])} is already defined at {seen[twice[0]]}"
            yield Problem(f"{path}.names", reason, item_only=True)


def _entries(bmc: Bmc) -> Iterator[tuple[str, HostEntry]]:
    """Yield each entry with its path; of an invalid one, what could be read."""
    for index, entry in enumerate(bmc.hosts if bmc.hosts is not UNREAD else ()):
        read = entry.partial if isinstance(entry, InvalidItem) else entry
        if read is not None:
            yield f"spec.bmc.hosts[{index}]", read


def _scheduler(spec: SchedulerBindingSpec) -> Iterator[Problem]:
    metrics = spec.metrics
    if metrics is not None and metrics is not UNREAD:
        yield from _pattern("spec.metrics.exclude", metrics.exclude)
    for kind, settings in given(SCHEDULERS, spec):
        yield from _connections(f"spec.{kind.name}", kind.connections(settings))
        for field, reason in kind.problems(settings):
            yield Problem(f"spec.{kind.name}.{field}", reason)
    if spec.lustre is not None and spec.lustre is not UNREAD:
        yield from _lustre(spec.lustre)
    if spec.accounting is not None and spec.accounting is not UNREAD:
        yield from _accounting(spec.accounting)


def _accounting(accounting: Accounting) -> Iterator[Problem]:
    yield from _connections("spec.accounting", connections_of_accounting(accounting))
    for path, reason in mistakes(accounting):
        yield Problem(f"spec.accounting.{path}", reason)


def _lustre(lustre: Lustre) -> Iterator[Problem]:
    yield from _connections("spec.lustre", connections_of_lustre(lustre))
    templates = lustre.jobid if lustre.jobid not in (None, UNREAD) else ()
    for index, template in enumerate(templates or ()):
        try:
            JobidTemplates([template] if template is not UNREAD else ())
        except ValueError as error:
            reason = f"{shown(template)} is no template of job ids: {error}"
            yield Problem(f"spec.lustre.jobid[{index}]", reason)


def _pattern(path: str, text: str | None) -> Iterator[Problem]:
    if text is None or text is UNREAD:
        return
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        yield Problem(path, f"{shown(text)} is no regular expression: {error}")


def _connections(path: str, connections: Iterable[Connection]) -> Iterator[Problem]:
    for connection in connections:
        if reason := _connection_problem(connection):
            yield Problem(f"{path}.{connection.field}", reason)


def _connection_problem(connection: Connection) -> str | None:
    """Return what is wrong with a URL or a host that a document names."""
    if not isinstance(connection, Url):
        host = connection.host
        return address_problem(host) if host and host is not UNREAD else None
    if connection.text is UNREAD:
        return None
    try:
        parse_url(connection.text)
    except ValueError as error:
        return str(error)
    return None
