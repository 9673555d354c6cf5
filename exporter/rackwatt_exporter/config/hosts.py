"""Resolution of a host entry into targets.

An invalid entry still names its nodes. They become targets that fail with the problem as their
message, so that they are visible instead of missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rackwatt_crds.bmc.expansion import expand_hosts, method
from rackwatt_crds.bmc.hosts import DEFAULT_TYPE, Bmc, HostEntry
from rackwatt_crds.bmc.mistakes import entry_problems, preset_of
from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_crds.decoding import InvalidItem, Problem
from rackwatt_crds.duration import seconds
from rackwatt_crds.hostlist import expand
from rackwatt_crds.kinds import METHODS
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.options import OPTIONS, InvalidOptions, Options, merge_layers
from rackwatt_exporter.config.target import Target


@dataclass(slots=True)
class HostEntryResolver:
    """Resolver of one host entry, with the settings it inherits; it collects the problems."""

    document: str
    path: str
    spec: PowerTargetSpec
    bmc: Bmc
    entry: HostEntry
    problems: list[Problem] = field(default_factory=list)

    def targets(self) -> list[Target]:
        """Return the targets of the entry; invalid ones where it has problems."""
        hosts = expand_hosts(self.bmc, self.entry)
        self.problems += entry_problems(self.spec, self.bmc, self.entry, self.path, hosts)
        target = self._scheduled(self._blank(self._options()))
        if self.problems:
            message = "; ".join(str(problem) for problem in self.problems)
            nameless = f"{self.document}/{self.path.removeprefix('spec.bmc.')}"
            known = hosts.names or [self.entry.names.strip() or nameless]
            return list(invalid_targets(target, known, message))
        return [
            replace(
                target, node=name, address=address, options=target.options.for_node(name, index)
            )
            for index, (name, address) in enumerate(zip(hosts.names, hosts.addresses, strict=True))
        ]

    def _blank(self, options: Options) -> Target:
        credentials = self.entry.credentials or self.bmc.credentials
        scheduler = self.entry.scheduler_ref or self.spec.scheduler_ref
        limits = self.bmc.concurrency
        blank = Target(
            node="",
            address="",
            method=self._method,
            options=options,
            document=self.document,
            type=self.entry.type or DEFAULT_TYPE,
            rack=self.entry.rack or "",
            credentials=credentials.secret_ref.name if credentials else None,
            scheduler=scheduler.name if scheduler else None,
            credential_limit=options.credential_limit,
            max_watts=self.entry.max_watts or self.bmc.max_watts or options.max_watts,
        )
        if limits is None:
            return blank
        return replace(
            blank,
            subnet_limit=limits.per_subnet or blank.subnet_limit,
            credential_limit=limits.per_credential or blank.credential_limit,
        )

    @property
    def _method(self) -> str:
        return method(self.bmc, self.entry)

    def _scheduled(self, target: Target) -> Target:
        interval_s = self._seconds("interval", target.interval_s)
        return replace(
            target,
            interval_s=interval_s,
            timeout_s=self._seconds("timeout", target.timeout_s),
            stale_after_s=self._seconds("stale_after", 3 * interval_s),
            max_backoff_s=max(interval_s, self._seconds("max_backoff", target.max_backoff_s)),
            retries=next(
                (r for r in (self.entry.retries, self.spec.retries) if r is not None),
                target.retries,
            ),
        )

    def _seconds(self, name: str, default: float) -> float:
        text = getattr(self.entry, name) or getattr(self.spec, name)
        return seconds(text) if text else default

    def _options(self) -> Options:
        options, name = OPTIONS[self._method], METHODS[self._method].field
        named = PRESETS.get((self._method, preset_of(self.bmc, self.entry) or ""))
        return merge_layers(options, getattr(self.entry, name), getattr(self.bmc, name), named)


def invalid_targets(target: Target, names: list[str], problem: str) -> Iterator[Target]:
    """Yield targets that always fail with `problem`, on a valid schedule."""
    blank = replace(
        target,
        address="",
        method="invalid",
        options=InvalidOptions(problem),
        stale_after_s=max(target.stale_after_s, target.interval_s),
        max_backoff_s=max(target.max_backoff_s, target.interval_s),
    )
    for name in names:
        yield replace(blank, node=name)


def invalid_entry_names(item: InvalidItem, path: str) -> list[str]:
    """Return the node names of an invalid entry, or its path where they are unknown."""
    text = getattr(item.partial, "names", None)
    if not isinstance(text, str) or not text.strip():
        return [path]
    try:
        return expand(text)
    except ValueError:
        return [text]
