"""Resolution of all documents into the accounting of one process.

It is a pure function of the documents. The bindings of a process share one database and one list of
administrators: where two differ in what is shared, the later one is left out, with both paths.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rackwatt_accounting.config.accounting import AccountingConfig, SharedConfig, accounting_config
from rackwatt_crds.accounting.accounting import Accounting, is_enabled
from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.loading import Loaded, notes
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.validation import semantic_problems

_NOTHING: Mapping[str, AccountingConfig] = {}


@dataclass(frozen=True, slots=True)
class Resolved:
    """The accounting of each SchedulerBinding by name, the problems, and what was skipped."""

    accounting: Mapping[str, AccountingConfig] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def shared(self) -> SharedConfig:
        """What all bindings have in common; the defaults where there is none."""
        return next((one.shared for one in self.accounting.values()), SharedConfig())


def resolve_documents(
    documents: Iterable[Loaded], before: Mapping[str, AccountingConfig] = _NOTHING
) -> Resolved:
    """Resolve documents; bindings without accounting, and other documents, are passed over.

    `before` is the accounting in force. Where its document is no longer valid, it is kept and the
    problem is reported, so that a typo does not stop accounting.
    """
    every = list(documents)
    builder = _Builder(before)
    for loaded in every:
        if not loaded.note:
            builder.add(loaded)
    return Resolved(builder.accounting, tuple(dict.fromkeys(builder.problems)), tuple(notes(every)))


@dataclass(slots=True)
class _Builder:
    before: Mapping[str, AccountingConfig]
    accounting: dict[str, AccountingConfig] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    origins: dict[str, Loaded] = field(default_factory=dict)

    def add(self, one: Loaded) -> None:
        """Add the accounting of a document, or its problems."""
        read = one.document or one.partial
        if read is not None and _accounting(read) is None:
            return
        problems = list(one.problems) + (semantic_problems(read) if read is not None else [])
        self.problems += [one.report(problem) for problem in problems]
        valid = one.document if not problems else None
        if isinstance(valid, SchedulerBinding) and valid.spec.accounting is not None:
            self._put(one, accounting_config(valid, valid.spec.accounting))
        elif one.name in self.before:
            self._put(one, self.before[one.name])
        elif not one.name:  # which documents the invalid text contained is unknown
            self.accounting |= {
                name: old for name, old in self.before.items() if name not in self.accounting
            }

    def _put(self, one: Loaded, config: AccountingConfig) -> None:
        found = list(self._conflicting(one, config))
        self.problems += [one.report(problem) for problem in found]
        if not found:
            self.accounting[one.name], self.origins[one.name] = config, one

    def _conflicting(self, one: Loaded, config: AccountingConfig) -> Iterator[Problem]:
        if one.name in self.origins:
            reason = f"duplicate: already defined in {self.origins[one.name].origin}"
            yield Problem("metadata.name", reason)
            return
        for name, other in self.origins.items():
            if self.accounting[name].cluster == config.cluster:
                reason = f"{config.cluster} is already the cluster of {other}: rows are kept by it"
                yield Problem("spec.cluster", reason)
        for name, other in list(self.origins.items())[:1]:
            for path in _differing(self.accounting[name].shared, config.shared):
                reason = f"differs from {other} {path}, and bindings of one process share it: make "
                advice = "them equal, or start a process for each, with a database of its own"
                yield Problem(path, reason + advice)


def _differing(one: SharedConfig, other: SharedConfig) -> Iterator[str]:
    pairs = {
        "timezone": (one.zone, other.zone),
        "retention": (one.retention, other.retention),
        "admins": (one.rights.admins, other.rights.admins),
        "staff": (one.rights.staff, other.rights.staff),
        "auditors": (one.rights.auditors, other.rights.auditors),
        "privacy": (one.rights.members_see_all, other.rights.members_see_all),
        "identity": (one.identity, other.identity),
    }
    return (
        f"spec.accounting.{field}" for field, (first, second) in pairs.items() if first != second
    )


def _accounting(document: Any) -> Accounting | None:
    """Return the accounting of a document that wants any."""
    if not isinstance(document, SchedulerBinding) or document.spec is UNREAD:
        return None
    accounting = document.spec.accounting
    return accounting if accounting is UNREAD or is_enabled(accounting) else None
