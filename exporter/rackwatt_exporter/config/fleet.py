"""Resolution of all documents into a fleet: targets, collectors, units, schedulers and more.

It is a pure function of the documents. An invalid entry becomes targets that fail with its problem;
an invalid document does not affect the others.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rackwatt_crds.bmc.expansion import expand_hosts
from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL, Bmc
from rackwatt_crds.bmc.mistakes import already_read, entry_problems
from rackwatt_crds.decoding import InvalidItem, Problem
from rackwatt_crds.document import PowerTarget, SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import METHODS
from rackwatt_crds.loading import Loaded, notes
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.validation import named_bindings, problems_of_node, semantic_problems
from rackwatt_exporter.config.collector import CollectorConfig, collector_configs
from rackwatt_exporter.config.energy import EnergyConfig, energy_config
from rackwatt_exporter.config.grid import GridConfig, grid_config
from rackwatt_exporter.config.hosts import HostEntryResolver, invalid_entry_names, invalid_targets
from rackwatt_exporter.config.lustre import LustreConfig, lustre_config
from rackwatt_exporter.config.options import InvalidOptions
from rackwatt_exporter.config.scheduler import (
    SchedulerConfig,
    TracingOptions,
    scheduler_config,
)
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.config.units import UnitsConfig, units_configs

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fleet:
    """The resolved configuration, its documents and their problems.

    `targets` and `origins`, the place of each in the documents, are keyed by node; the others by
    their own keys. `profiling` has the variables that processes are listed by, none for all, and is
    None where no list is wanted. `notes` name what was skipped.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    collectors: Mapping[str, CollectorConfig] = field(default_factory=dict)
    units: Mapping[str, UnitsConfig] = field(default_factory=dict)
    grids: Mapping[str, GridConfig] = field(default_factory=dict)
    schedulers: Mapping[str, SchedulerConfig] = field(default_factory=dict)
    lustre: Mapping[str, LustreConfig] = field(default_factory=dict)
    energy: Mapping[str, EnergyConfig] = field(default_factory=dict)
    profiling: frozenset[str] | None = None
    documents: tuple[Loaded, ...] = ()
    problems: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def resolve_fleet(documents: Iterable[Loaded], before: Iterable[Loaded] = ()) -> Fleet:
    """Resolve documents into a fleet.

    `before` are the previous documents. Where a valid document becomes invalid, the previous one
    stays in force and the problem is reported, so that a typo does not stop measurements.
    """
    every = list(documents)
    current = tuple(loaded for loaded in every if not loaded.note)
    builder = _FleetBuilder()
    for loaded in current:
        builder.add_problems(loaded)
    valid = builder.valid(current, tuple(before))
    for loaded in valid:
        builder.add_scheduler(loaded)
    for loaded in valid:
        builder.add_power_target(loaded)
    builder.check_references(current)
    return Fleet(
        targets=builder.targets,
        collectors=builder.collectors,
        units=builder.units,
        grids=builder.grids,
        schedulers=builder.schedulers,
        lustre=builder.lustre,
        energy=builder.energy,
        profiling=builder.profiling,
        documents=valid,
        problems=tuple(dict.fromkeys(builder.problems)),
        origins=builder.origins,
        notes=tuple(notes(every)),
    )


@dataclass(slots=True)
class _FleetBuilder:
    """A fleet while it is resolved."""

    targets: dict[str, Target] = field(default_factory=dict)
    collectors: dict[str, CollectorConfig] = field(default_factory=dict)
    units: dict[str, UnitsConfig] = field(default_factory=dict)
    grids: dict[str, GridConfig] = field(default_factory=dict)
    schedulers: dict[str, SchedulerConfig] = field(default_factory=dict)
    lustre: dict[str, LustreConfig] = field(default_factory=dict)
    energy: dict[str, EnergyConfig] = field(default_factory=dict)
    profiling: frozenset[str] | None = None
    problems: list[str] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    endpoints: dict[object, str] = field(default_factory=dict)
    repeated: set[tuple[str, str]] = field(default_factory=set)

    def add_problems(self, one: Loaded) -> None:
        """Add the problems of one document; those of a valid document's entries follow later."""
        self.problems += [one.report(problem) for problem in one.problems]
        if one.document is None and one.partial is not None:
            self.problems += [one.report(problem) for problem in semantic_problems(one.partial)]

    def valid(self, current: tuple[Loaded, ...], before: tuple[Loaded, ...]) -> tuple[Loaded, ...]:
        """Select the documents in force, one for each key."""
        previous = {one.key: one for one in before}
        chosen: dict[_Key, Loaded] = {}
        named: dict[_Key, Loaded] = {}
        for one in current:
            same = named.setdefault(one.key, one) if one.name else one
            if same is not one:
                self.problems.append(
                    one.report(Problem("", f"duplicate: already defined in {same.origin}"))
                )
        for one in current:
            usable = one if one.document is not None else previous.get(one.key)
            if usable is not None:
                chosen.setdefault(one.key, usable)
            elif not one.name:  # which documents the invalid text contained is unknown
                same_file = [old for old in before if old.origin == one.origin]
                unseen = [old for old in same_file if old.key not in named]
                chosen |= {old.key: old for old in unseen if old.key not in chosen}
        return tuple(chosen.values())

    def add_scheduler(self, one: Loaded) -> None:
        """Resolve a document, if it is a SchedulerBinding."""
        if isinstance(one.document, SchedulerBinding):
            if problems := semantic_problems(one.document):
                self.problems += [one.report(problem) for problem in problems]
            else:
                self._add_binding(one, scheduler_config(one.document))
                if one.document.spec.lustre is not None:
                    config = self.schedulers[one.name]
                    self.lustre[one.name] = lustre_config(config, one.document.spec.lustre)

    def add_power_target(self, one: Loaded) -> None:
        """Resolve a document, if it is a PowerTarget."""
        if not isinstance(one.document, PowerTarget):
            return
        self._add_fleet(one, one.document)
        try:
            self._add_collectors(one, one.document.spec)
            self._add_units(one.name, one.document.spec)
            self._add_energy(one.name, one.document.spec)
            self._add_profiling(one.document.spec)
            self._add_grid(one.name, one.document.spec)
        except ValueError as error:
            self.problems.append(one.report(str(error)))

    def check_references(self, current: tuple[Loaded, ...]) -> None:
        """Add a problem for each referenced SchedulerBinding that no document defines."""
        defined = {one.name for one in current if one.kind == "SchedulerBinding"}
        for one in current:
            names = set(named_bindings(one.partial)) if one.partial is not None else set()
            for name in sorted(names - defined - self.schedulers.keys()):
                reason = f"no valid SchedulerBinding is named {name!r}"
                self.problems.append(one.report(Problem("spec.schedulerRef.name", reason)))

    def _add_binding(self, one: Loaded, config: SchedulerConfig) -> None:
        """Add a scheduler, without its traces where another one has the path already."""
        path = config.tracing.path
        for other in self.schedulers.values():
            if config.tracing.enabled and other.tracing.enabled and other.tracing.path == path:
                reason = f"{path} is already the path of SchedulerBinding {other.name!r}"
                self.problems.append(one.report(Problem("spec.tracing.path", reason)))
                config = replace(config, tracing=TracingOptions())
        self.schedulers[one.name] = config

    def _add_fleet(self, one: Loaded, document: PowerTarget) -> None:
        """Add the BMCs and PDUs of a PowerTarget."""
        for target, path, problems in _resolved(one, document):
            self.problems += [one.report(problem) for problem in problems]
            self._add(target, one, path)

    def _add_collectors(self, one: Loaded, spec: PowerTargetSpec) -> None:
        """Add the collectors of a PowerTarget, without those whose settings are wrong."""
        wrong = list(problems_of_node(spec.node)) if spec.node is not None else []
        self.problems += [one.report(problem) for problem in wrong]
        for path, config in collector_configs(one.name, spec):
            if any(problem.path.startswith(f"spec.node.{config.name}.") for problem in wrong):
                continue
            same = self.collectors.setdefault(config.name, config)
            if same is not config:
                reason = f"{config.name} is already configured by PowerTarget {same.document!r}"
                raise ValueError(f"{path}: {reason}")

    def _add_units(self, name: str, spec: PowerTargetSpec) -> None:
        """Add the managers of units of a PowerTarget."""
        for config in units_configs(name, spec):
            same = self.units.setdefault(config.manager, config)
            if same is not config:
                reason = f"already configured by PowerTarget {same.document!r}"
                raise ValueError(f"spec.node.units.{config.manager}: {reason}")

    def _add_profiling(self, spec: PowerTargetSpec) -> None:
        if spec.node is None or (wanted := spec.node.profiling) is None:
            return
        names = frozenset(wanted.environment_variables or ())
        before = self.profiling
        # A document that wants all processes is not narrowed by another one.
        self.profiling = names if before is None else before and names and before | names

    def _add_energy(self, name: str, spec: PowerTargetSpec) -> None:
        config = energy_config(name, spec)
        if (
            config is not None
            and (same := self.energy.setdefault(config.key, config)) is not config
        ):
            reason = f"this node's is already divided by PowerTarget {same.document!r}"
            raise ValueError(f"spec.node.energy: {reason}")

    def _add_grid(self, name: str, spec: PowerTargetSpec) -> None:
        if spec.grid is None:
            return
        added = grid_config(name, spec, spec.grid)
        same = self.grids.setdefault(added.key, added)
        if same is not added:
            reason = f"{added.key} is already configured by PowerTarget {same.document!r}"
            raise ValueError(f"spec.grid: {reason}")

    def _add(self, target: Target, one: Loaded, path: str) -> None:
        origin = f"{one.kind} {one.name} {path}"
        if target.node in self.targets:
            reason = f"node {target.node!r} is already defined at {self.origins[target.node]}"
            if (origin, "names") not in self.repeated:  # one problem for each entry
                self.problems.append(one.report(Problem(f"{path}.names", reason)))
            self.repeated.add((origin, "names"))
            return
        endpoint = (target.method, target.address, target.options, target.credentials)
        same = self.endpoints.setdefault(endpoint, target.node)
        if same != target.node and _is_connected(target):
            reason = already_read(target.address, same)
            if (origin, "address") not in self.repeated:
                self.problems.append(one.report(Problem(path, reason)))
            self.repeated.add((origin, "address"))
            target = replace(target, method="invalid", options=InvalidOptions(f"{path}: {reason}"))
        self.targets[target.node] = target
        self.origins[target.node] = origin


def _is_connected(target: Target) -> bool:
    """Return whether a target is read over a network; an invalid one has no method."""
    kind = METHODS.get(target.method)
    return kind is not None and kind.endpoint is not None


def _resolved(one: Loaded, document: PowerTarget) -> Iterator[tuple[Target, str, list[Problem]]]:
    """Yield a document's targets, each with its path; the first of an entry has its problems."""
    bmc = document.spec.bmc
    if bmc is None:
        return
    name = document.metadata.name
    known: dict[str, list[Problem]] = {}
    for problem in one.problems:
        known.setdefault(problem.path.partition("]")[0] + "]", []).append(problem)
    for index, entry in enumerate(bmc.hosts):
        path = f"spec.bmc.hosts[{index}]"
        problems: list[Problem]
        if isinstance(entry, InvalidItem):
            interval_s = seconds(document.spec.interval or DEFAULT_INTERVAL)
            blank = Target("", "", "invalid", InvalidOptions(""), name, interval_s=interval_s)
            names = invalid_entry_names(entry, f"{name}/hosts[{index}]")
            problems = _partial_problems(document.spec, bmc, entry, path)
            message = "; ".join(str(problem) for problem in (*known.get(path, ()), *problems))
            targets = list(invalid_targets(blank, names, message))
        else:
            resolver = HostEntryResolver(name, path, document.spec, bmc, entry)
            targets, problems = resolver.targets(), resolver.problems
        for target in targets:
            yield target, path, problems
            problems = []


def _partial_problems(
    spec: PowerTargetSpec, bmc: Bmc, entry: InvalidItem, path: str
) -> list[Problem]:
    """Return the problems of an invalid entry that its model does not see."""
    if entry.partial is None:
        return []
    return list(entry_problems(spec, bmc, entry.partial, path, expand_hosts(bmc, entry.partial)))
