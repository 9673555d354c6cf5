"""One entry of a fleet into its targets: names beside addresses, every setting decided.

An entry that cannot be resolved still names its nodes, and comes to targets that fail with the
problem as their message: visible where people look, instead of silently missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from rackwatt_crds.bmc.entries import filled_in, method, places
from rackwatt_crds.bmc.hosts import Bmc, HostEntry
from rackwatt_crds.decoding import Broken, Problem, nearest
from rackwatt_crds.duration import seconds
from rackwatt_crds.hostlist import expand
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.settings.options import (
    FakeOptions,
    IpmiOptions,
    IpmiSshOptions,
    Options,
    RedfishOptions,
    RefusedOptions,
    SnmpOptions,
    filled,
)
from rackwatt_exporter.settings.presets import PRESETS
from rackwatt_exporter.settings.target import Target, contacts_at_once, default_max_watts

_OPTIONS: dict[str, tuple[type[Options], str]] = {
    "ipmi": (IpmiOptions, "ipmi"),
    "ipmiSsh": (IpmiSshOptions, "ipmi_ssh"),
    "snmp": (SnmpOptions, "snmp"),
    "redfish": (RedfishOptions, "redfish"),
    "fake": (FakeOptions, "fake"),
}


@dataclass(slots=True)
class Entry:
    """One entry on its way to targets: what it says, what stands above it, and what is wrong."""

    document: str
    path: str
    spec: PowerTargetSpec
    bmc: Bmc
    entry: HostEntry
    problems: list[Problem] = field(default_factory=list)

    def targets(self) -> list[Target]:
        """List its targets; refused ones when it has problems."""
        found = places(self.bmc, self.entry)
        for key, reason in found.problems:
            self._problem(key, reason)
        options = self._options()
        target = self._scheduled(self._blank(options))
        if self.problems:
            told = "; ".join(str(problem) for problem in self.problems)
            nameless = f"{self.document}/{self.path.removeprefix('spec.bmc.')}"
            known = found.names or [self.entry.names.strip() or nameless]
            return list(refused(target, known, told))
        return [
            replace(
                target, node=name, address=address, options=_placed(target.options, name, index)
            )
            for index, (name, address) in enumerate(zip(found.names, found.addresses, strict=True))
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
            type=self.entry.type or "compute",
            rack=self.entry.rack or "",
            credentials=credentials.secret_ref.name if credentials else None,
            scheduler=scheduler.name if scheduler else None,
            credential_limit=contacts_at_once(self._method),
            max_watts=self.entry.max_watts or self.bmc.max_watts or default_max_watts(self._method),
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
        stale_after_s = self._seconds("stale_after", 3 * interval_s)
        if stale_after_s < interval_s:
            self._problem(
                "staleAfter", f"{stale_after_s:g}s is shorter than the interval, {interval_s:g}s"
            )
        return replace(
            target,
            interval_s=interval_s,
            timeout_s=self._seconds("timeout", target.timeout_s),
            stale_after_s=stale_after_s,
            max_backoff_s=max(interval_s, self._seconds("max_backoff", target.max_backoff_s)),
            retries=next(
                (r for r in (self.entry.retries, self.spec.retries) if r is not None),
                target.retries,
            ),
        )

    def _seconds(self, name: str, otherwise: float) -> float:
        text = getattr(self.entry, name) or getattr(self.spec, name)
        return seconds(text) if text else otherwise

    def _options(self) -> Options:
        kind, name = _OPTIONS[self._method]
        layers = getattr(self.entry, name), getattr(self.bmc, name), self._preset()
        options = filled(kind, *layers)
        if isinstance(options, SnmpOptions) and not options.oids:
            presets = ", ".join(sorted(preset for method, preset in PRESETS if method == "snmp"))
            self._problem("snmp.oids", f"method snmp needs oids, or one of the presets {presets}")
        if isinstance(options, (IpmiOptions, IpmiSshOptions)):
            self._hold_something_to_read(name, options)
        return options

    def _hold_something_to_read(self, name: str, options: IpmiOptions | IpmiSshOptions) -> None:
        through_oem = isinstance(options, IpmiOptions) and options.oem
        if not (options.dcmi or options.sensors or through_oem):
            path = "ipmiSsh" if name == "ipmi_ssh" else name
            self._problem(f"{path}.sensors", "with dcmi false, sensors must name what to sum")

    def _preset(self) -> Any:
        inherited = self.bmc.preset if self.entry.method in (None, self.bmc.method) else None
        preset = self.entry.preset or inherited
        if preset is None:
            return None
        layer = PRESETS.get((self._method, preset))
        if layer is None:
            known = sorted(word for method, word in PRESETS if method == self._method)
            told = nearest(preset, known) if known else "there is none"
            self._problem("preset", f"no preset {preset!r} of method {self._method}; {told}")
        return layer

    def _problem(self, key: str, reason: str) -> None:
        self.problems.append(Problem(f"{self.path}.{key}", reason, alone=True))


def refused(target: Target, names: list[str], told: str) -> Iterator[Target]:
    """Make targets that are never asked, and fail with what is told, at a pace that can be."""
    blank = replace(
        target,
        address="",
        method="refused",
        options=RefusedOptions(told),
        stale_after_s=max(target.stale_after_s, target.interval_s),
        max_backoff_s=max(target.max_backoff_s, target.interval_s),
    )
    for name in names:
        yield replace(blank, node=name)


def broken_names(item: Broken, path: str) -> list[str]:
    """Name the nodes of an entry that could not be read, as well as can be told."""
    text = item.raw.get("names") if isinstance(item.raw, dict) else None
    if not isinstance(text, str) or not text.strip():
        return [path]
    try:
        return expand(text)
    except ValueError:
        return [text]


def _placed(options: Options, name: str, index: int) -> Options:
    if not isinstance(options, RedfishOptions):
        return options
    chassis = options.chassis and filled_in(options.chassis, name, index)
    sensors = tuple(filled_in(sensor, name, index) for sensor in options.sensors)
    return replace(options, chassis=chassis, sensors=sensors)
