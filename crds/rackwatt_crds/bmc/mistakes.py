"""Validation of a fleet's entries beyond their model, such as of presets.

The exporter and the operator share it. Each problem has the path of the field that causes it. That
field may be above the entry: what many entries inherit is one problem.
"""

from collections.abc import Iterator
from typing import Any

from rackwatt_crds.bmc.expansion import ExpandedHosts, format_template, method
from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL, Bmc, HostEntry
from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_crds.bmc.snmp import Oid
from rackwatt_crds.decoding import Problem
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import METHODS
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.quoting import shown
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import did_you_mean

_BMC = "spec.bmc"


def entry_problems(
    spec: PowerTargetSpec, bmc: Bmc, entry: HostEntry, path: str, hosts: ExpandedHosts
) -> Iterator[Problem]:
    """Yield the problems of an entry, as far as it could be read."""
    for field, reason in hosts.problems:
        yield Problem(f"{path}.{field}", reason, item_only=True)
    yield from _times(spec, entry, path)
    yield from _preset(bmc, entry, path)
    chosen = method(bmc, entry)
    if chosen == "snmp":
        yield from _oids(bmc, entry, path if entry.method else _BMC)
        yield from _repeated_oids(bmc, entry, path)
    if chosen in ("ipmi", "ipmiSsh"):
        yield from _sensors(bmc, entry, path)


def endpoint_problems(
    bmc: Bmc, entry: HostEntry, path: str, hosts: ExpandedHosts, seen: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    """Yield one problem where a node is read from an endpoint that another one has already.

    `seen` has the node of each endpoint so far. The same address with other settings, such as
    another `redfish.chassis`, is another endpoint.
    """
    chosen = method(bmc, entry)
    if hosts.problems or chosen is UNREAD or METHODS[chosen].endpoint is None:
        return
    settings = _settings(bmc, entry)
    if "UNREAD" in settings:
        return
    for index, (name, address) in enumerate(zip(hosts.names, hosts.addresses, strict=False)):
        first = seen.setdefault((address, format_template(settings, name, index)), name)
        if first != name:
            yield Problem(path, already_read(address, first), item_only=True)
            return


def already_read(address: str, node: str) -> str:
    """Return the reason for a node whose watts would be those of another one."""
    return f"{address} is already read, with the same settings, for node {shown(node)}"


def schedule_problems(spec: PowerTargetSpec) -> Iterator[Problem]:
    """Yield the problems of a spec's schedule where the interval is the default."""
    if spec.interval is None:
        yield from _too_short(spec.stale_after, DEFAULT_INTERVAL, "spec")


def preset_of(bmc: Bmc, entry: HostEntry) -> str | None:
    """Return the name of an entry's preset; that of `bmc` applies only to the same method."""
    inherited = bmc.preset if entry.method in (None, bmc.method) else None
    return entry.preset or inherited


def _times(spec: PowerTargetSpec, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Check an entry's schedule with what it inherits; rules check those of one object."""
    if entry.interval is None and entry.stale_after is None:
        yield from schedule_problems(spec)
    elif entry.interval is None or entry.stale_after is None:
        interval = entry.interval or spec.interval or DEFAULT_INTERVAL
        yield from _too_short(entry.stale_after or spec.stale_after, interval, path)


def _too_short(stale_after: str | None, interval: str, path: str) -> Iterator[Problem]:
    if stale_after is None or UNREAD in (stale_after, interval):
        return
    age_s, interval_s = seconds(stale_after), seconds(interval)
    if age_s < interval_s:
        reason = f"{age_s:g}s is shorter than the interval, {interval_s:g}s"
        yield Problem(f"{path}.staleAfter", reason, item_only=True)


def _preset(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    preset, chosen = preset_of(bmc, entry), method(bmc, entry)
    known = sorted(name for method, name in PRESETS if chosen in (method, UNREAD))
    if preset is None or preset is UNREAD or preset in known:
        return
    of_method = "" if chosen is UNREAD else f" of method {chosen}"
    reason = did_you_mean(preset, known) if known else "this method has none"
    where = path if entry.preset else _BMC
    yield Problem(
        f"{where}.preset", f"unknown preset {shown(preset)}{of_method}; {reason}", item_only=True
    )


def _oids(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    if preset_of(bmc, entry) is None and _inherited(_layers(bmc, entry, "snmp"), "oids") is None:
        presets = ", ".join(sorted(preset for method, preset in PRESETS if method == "snmp"))
        reason = f"method snmp needs oids, or one of the presets {presets}"
        yield Problem(f"{path}.snmp.oids", reason, item_only=True)


def _repeated_oids(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Check that no object is summed twice; rows of one column may differ by `equals`."""
    layers = _layers(bmc, entry, "snmp")
    where = path if getattr(layers[0], "oids", None) is not None else _BMC
    oids = _inherited(layers, "oids")
    seen: dict[Any, int] = {}
    for index, oid in enumerate(oids if oids and oids is not UNREAD else ()):
        first = seen.setdefault(_summed(oid), index)
        if first != index and _summed(oid) is not UNREAD:
            reason = f"{oid.oid} is already summed by oids[{first}]"
            yield Problem(f"{where}.snmp.oids[{index}]", reason, item_only=True)


def _summed(oid: Oid) -> Any:
    """Return which objects an item of `oids` adds to the sum, without a leading dot."""
    row = oid.where
    if UNREAD in (oid.oid, row) or (row and UNREAD in (row.oid, row.equals)):
        return UNREAD
    return oid.oid.lstrip("."), row and (row.oid.lstrip("."), row.equals)


def _sensors(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Check that there is something to read."""
    chosen = method(bmc, entry)
    layers = _layers(bmc, entry, METHODS[chosen].field)
    through_oem = chosen == "ipmi" and _inherited(layers, "oem")
    if _inherited(layers, "dcmi") is False and not (_inherited(layers, "sensors") or through_oem):
        where = path if getattr(layers[0], "dcmi", None) is False else _BMC
        reason = "with dcmi false, sensors must name what to sum"
        yield Problem(f"{where}.{chosen}.sensors", reason, item_only=True)


def _settings(bmc: Bmc, entry: HostEntry) -> str:
    """Return, as text to compare, all settings that decide what is read at an address."""
    kind = METHODS[method(bmc, entry)]
    layers = _layers(bmc, entry, kind.field)
    given = {field: _inherited(layers, field) for field in kind.model.__struct_fields__}
    if "port" in given and given["port"] is None and kind.endpoint is not None:
        given["port"] = kind.endpoint.port
    return repr((kind.name, given, entry.credentials or bmc.credentials))


def _layers(bmc: Bmc, entry: HostEntry, field: str) -> tuple[Any, Any, Model | None]:
    """Return the settings of a method that apply to an entry, in order of precedence."""
    named = PRESETS.get((method(bmc, entry), preset_of(bmc, entry) or ""))
    return getattr(entry, field), getattr(bmc, field), named


def _inherited(layers: tuple[Any, ...], field: str) -> Any:
    """Return a field of the first layer that has it; `UNREAD` where a layer could not be read."""
    for layer in layers:
        if layer is UNREAD:
            return UNREAD
        if layer is not None and getattr(layer, field) is not None:
            return getattr(layer, field)
    return None
