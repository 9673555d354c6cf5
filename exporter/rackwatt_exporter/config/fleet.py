"""All documents together: the targets and bindings they come to, and what is wrong with them.

Pure: the same documents always come to the same fleet. What spoils one entry leaves a target that
fails for all to see; what spoils one document leaves the others alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rackwatt_crds.bmc.expansion import expand_hosts
from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL, Bmc
from rackwatt_crds.bmc.mistakes import entry_problems
from rackwatt_crds.decoding import InvalidItem, Problem
from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import METHODS
from rackwatt_crds.loading import Loaded, notes
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.validation import named_bindings, semantic_problems
from rackwatt_exporter.config.collector import CollectorConfig, instruments
from rackwatt_exporter.config.grid import GridConfig, feed
from rackwatt_exporter.config.hosts import HostEntryResolver, broken_names, invalid_targets
from rackwatt_exporter.config.options import InvalidOptions
from rackwatt_exporter.config.scheduler import SchedulerConfig, binding
from rackwatt_exporter.config.target import Target

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is to be measured, the documents that say so, and what is wrong with them.

    Targets are by node, `places` says for each where in the documents it stands; instruments are
    by collector, bindings and feeds by name. `notes` name what was passed over.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    instruments: Mapping[str, CollectorConfig] = field(default_factory=dict)
    feeds: Mapping[str, GridConfig] = field(default_factory=dict)
    bindings: Mapping[str, SchedulerConfig] = field(default_factory=dict)
    documents: tuple[Loaded, ...] = ()
    problems: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def fleet(documents: Iterable[Loaded], before: Iterable[Loaded] = ()) -> Fleet:
    """Resolve documents into a fleet.

    `before` are the documents in force until now: one that was good and is broken now goes on as it
    was, its problem told, so that a typo never blinds a running exporter.
    """
    given = list(documents)
    found = tuple(one for one in given if not one.note)
    building = _Building()
    for one in found:
        building.add_problems(one)
    good = building.good(found, tuple(before))
    for one in good:
        building.add_binding(one)
    for one in good:
        building.add_target(one)
    building.miss_bindings(found)
    return Fleet(
        targets=building.targets,
        instruments=building.instruments,
        feeds=building.feeds,
        bindings=building.bindings,
        documents=good,
        problems=tuple(dict.fromkeys(building.problems)),
        places=building.places,
        notes=tuple(notes(given)),
    )


@dataclass(slots=True)
class _Building:
    targets: dict[str, Target] = field(default_factory=dict)
    instruments: dict[str, CollectorConfig] = field(default_factory=dict)
    feeds: dict[str, GridConfig] = field(default_factory=dict)
    bindings: dict[str, SchedulerConfig] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    endpoints: dict[object, str] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)

    def add_problems(self, one: Loaded) -> None:
        """Note what is wrong with one document by itself; of a usable one, entries come later."""
        self.problems += [one.report(problem) for problem in one.problems]
        if one.document is None and one.partial is not None:
            self.problems += [one.report(problem) for problem in semantic_problems(one.partial)]

    def good(self, found: tuple[Loaded, ...], before: tuple[Loaded, ...]) -> tuple[Loaded, ...]:
        """Choose the documents that count, one for each key."""
        kept = {one.key: one for one in before}
        chosen: dict[_Key, Loaded] = {}
        named: dict[_Key, Loaded] = {}
        for one in found:
            same = named.setdefault(one.key, one) if one.name else one
            if same is not one:
                self.problems.append(
                    one.report(Problem("", f"duplicate: already defined in {same.origin}"))
                )
        for one in found:
            usable = one if one.document is not None else kept.get(one.key)
            if usable is not None:
                chosen.setdefault(one.key, usable)
            elif not one.name:  # which documents this broken part held is not known
                lost = [was for was in before if was.origin == one.origin and was.key not in named]
                chosen |= {was.key: was for was in lost if was.key not in chosen}
        return tuple(chosen.values())

    def add_binding(self, one: Loaded) -> None:
        """Resolve one document, if it is a SchedulerBinding."""
        if isinstance(one.document, SchedulerBinding):
            if wrong := semantic_problems(one.document):
                self.problems += [one.report(problem) for problem in wrong]
            else:
                self.bindings[one.name] = binding(one.document)

    def add_target(self, one: Loaded) -> None:
        """Resolve one document, if it is a PowerTarget."""
        if not isinstance(one.document, PowerTarget):
            return
        self._add_fleet(one, one.document)
        try:
            self._add_instruments(one.name, one.document.spec)
            self._add_feed(one.name, one.document.spec)
        except ValueError as error:
            self.problems.append(one.report(str(error)))

    def miss_bindings(self, found: tuple[Loaded, ...]) -> None:
        """Note each SchedulerBinding that is named and that no document describes."""
        described = {one.name for one in found if one.kind == "SchedulerBinding"}
        for one in found:
            names = set(named_bindings(one.partial)) if one.partial is not None else set()
            for name in sorted(names - described - self.bindings.keys()):
                reason = f"no usable SchedulerBinding is named {name!r}"
                self.problems.append(one.report(Problem("spec.schedulerRef.name", reason)))

    def _add_fleet(self, one: Loaded, document: PowerTarget) -> None:
        """Add what is reached over the network."""
        for target, path, wrong in _resolved(one, document):
            self.problems += [one.report(problem) for problem in wrong]
            self._add(target, one, path)

    def _add_instruments(self, name: str, spec: PowerTargetSpec) -> None:
        """Add what is measured from inside."""
        for place, instrument in enumerate(instruments(name, spec)):
            same = self.instruments.setdefault(instrument.name, instrument)
            if same is not instrument:
                told = f"{instrument.name} measures this node for {same.document!r} already"
                raise ValueError(f"spec.node.collectors[{place}]: {told}")

    def _add_feed(self, name: str, spec: PowerTargetSpec) -> None:
        if spec.grid is None:
            return
        added = feed(name, spec, spec.grid)
        same = self.feeds.setdefault(added.key, added)
        if same is not added:
            raise ValueError(f"spec.grid: {added.key} is told for {same.document!r} already")

    def _add(self, target: Target, one: Loaded, path: str) -> None:
        place = f"{one.kind} {one.name} {path}"
        if target.node in self.targets:
            reason = f"node {target.node!r} is already defined at {self.places[target.node]}"
            if place not in self.doubled:  # one problem for an entry, however many nodes it repeats
                self.problems.append(one.report(Problem(f"{path}.names", reason)))
            self.doubled.add(place)
            return
        endpoint = (target.method, target.address, target.options, target.credentials)
        same = self.endpoints.setdefault(endpoint, target.node)
        if same != target.node and _is_connected(target):
            told = f"{target.address} is asked the same for node {same!r} already"
            self.problems.append(one.report(Problem(path, told)))
            target = replace(target, method="invalid", options=InvalidOptions(f"{path}: {told}"))
        self.targets[target.node] = target
        self.places[target.node] = place


def _is_connected(target: Target) -> bool:
    """Return whether a target is read over a network; an invalid one has no method."""
    kind = METHODS.get(target.method)
    return kind is not None and kind.endpoint is not None


def _resolved(one: Loaded, document: PowerTarget) -> Iterator[tuple[Target, str, list[Problem]]]:
    """Go through a document's targets, each with its path; an entry's problems come once."""
    bmc = document.spec.bmc
    if bmc is None:
        return
    name = document.metadata.name
    known: dict[str, list[Problem]] = {}
    for problem in one.problems:
        known.setdefault(problem.path.partition("]")[0] + "]", []).append(problem)
    for place, entry in enumerate(bmc.hosts):
        path = f"spec.bmc.hosts[{place}]"
        wrong: list[Problem]
        if isinstance(entry, InvalidItem):
            interval_s = seconds(document.spec.interval or DEFAULT_INTERVAL)
            blank = Target("", "", "invalid", InvalidOptions(""), name, interval_s=interval_s)
            names = broken_names(entry, f"{name}/hosts[{place}]")
            wrong = _found(document.spec, bmc, entry, path)
            message = "; ".join(str(problem) for problem in (*known.get(path, ()), *wrong))
            targets = list(invalid_targets(blank, names, message))
        else:
            resolving = HostEntryResolver(name, path, document.spec, bmc, entry)
            targets, wrong = resolving.targets(), resolving.problems
        for target in targets:
            yield target, path, wrong
            wrong = []


def _found(spec: PowerTargetSpec, bmc: Bmc, entry: InvalidItem, path: str) -> list[Problem]:
    """List what is wrong with a broken entry beside what its model says."""
    if entry.partial is None:
        return []
    return list(entry_problems(spec, bmc, entry.partial, path, expand_hosts(bmc, entry.partial)))
