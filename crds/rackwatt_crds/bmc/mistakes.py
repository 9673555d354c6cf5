"""What is wrong with an entry of a fleet that its model accepts, such as an unknown preset.

The exporter and the operator judge entries alike. Each problem has the path of the field that says
it, which may be above the entry: what many entries inherit is one problem.
"""

from collections.abc import Iterator
from typing import Any

from rackwatt_crds.bmc.expansion import Places, method
from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL, Bmc, HostEntry
from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_crds.bmc.snmp import Oid
from rackwatt_crds.decoding import Problem
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import METHODS
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import nearest

_BMC = "spec.bmc"


def mistakes(
    spec: PowerTargetSpec, bmc: Bmc, entry: HostEntry, path: str, places: Places
) -> Iterator[Problem]:
    """List what is wrong with an entry, as far as it could be read."""
    for field, reason in places.problems:
        yield Problem(f"{path}.{field}", reason, alone=True)
    yield from _times(spec, entry, path)
    yield from _preset(bmc, entry, path)
    asked = method(bmc, entry)
    if asked == "snmp":
        yield from _oids(bmc, entry, path if entry.method else _BMC)
        yield from _repeated_oids(bmc, entry, path)
    if asked in ("ipmi", "ipmiSsh"):
        yield from _sensors(bmc, entry, path)


def times(spec: PowerTargetSpec) -> Iterator[Problem]:
    """Judge the times of a document where the interval is left to its default."""
    if spec.interval is None:
        yield from _too_short(spec.stale_after, DEFAULT_INTERVAL, "spec")


def preset(bmc: Bmc, entry: HostEntry) -> str | None:
    """Return the name of an entry's preset: what is above it counts for the same method alone."""
    inherited = bmc.preset if entry.method in (None, bmc.method) else None
    return entry.preset or inherited


def _times(spec: PowerTargetSpec, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Judge an entry's times beside those above it: the rules judge those of one object."""
    if entry.interval is None and entry.stale_after is None:
        yield from times(spec)
    elif entry.interval is None or entry.stale_after is None:
        interval = entry.interval or spec.interval or DEFAULT_INTERVAL
        yield from _too_short(entry.stale_after or spec.stale_after, interval, path)


def _too_short(stale_after: str | None, interval: str, path: str) -> Iterator[Problem]:
    if stale_after is None or UNREAD in (stale_after, interval):
        return
    age_s, interval_s = seconds(stale_after), seconds(interval)
    if age_s < interval_s:
        reason = f"{age_s:g}s is shorter than the interval, {interval_s:g}s"
        yield Problem(f"{path}.staleAfter", reason, alone=True)


def _preset(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    named, asked = preset(bmc, entry), method(bmc, entry)
    known = sorted(word for method, word in PRESETS if asked in (method, UNREAD))
    if named is None or named is UNREAD or named in known:
        return
    of_method = "" if asked is UNREAD else f" of method {asked}"
    reason = nearest(named, known) if known else "there is none"
    where = path if entry.preset else _BMC
    yield Problem(f"{where}.preset", f"no preset {named!r}{of_method}; {reason}", alone=True)


def _oids(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    if preset(bmc, entry) is None and _said(_layers(bmc, entry, "snmp"), "oids") is None:
        presets = ", ".join(sorted(preset for method, preset in PRESETS if method == "snmp"))
        reason = f"method snmp needs oids, or one of the presets {presets}"
        yield Problem(f"{path}.snmp.oids", reason, alone=True)


def _repeated_oids(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Hold that no object is part of the sum twice; rows of one column may be, by their texts."""
    layers = _layers(bmc, entry, "snmp")
    where = path if getattr(layers[0], "oids", None) is not None else _BMC
    seen: dict[Any, int] = {}
    for index, oid in enumerate(_said(layers, "oids") or ()):
        first = seen.setdefault(_summed(oid), index)
        if first != index and _summed(oid) is not UNREAD:
            reason = f"{oid.oid} is part of the sum already, by oids[{first}]"
            yield Problem(f"{where}.snmp.oids[{index}]", reason, alone=True)


def _summed(oid: Oid) -> Any:
    """Return which objects an entry of `oids` adds to the sum; a first dot makes no difference."""
    row = oid.where
    if UNREAD in (oid.oid, row) or (row and UNREAD in (row.oid, row.equals)):
        return UNREAD
    return oid.oid.lstrip("."), row and (row.oid.lstrip("."), row.equals)


def _sensors(bmc: Bmc, entry: HostEntry, path: str) -> Iterator[Problem]:
    """Hold that there is something to read."""
    asked = method(bmc, entry)
    layers = _layers(bmc, entry, METHODS[asked].field)
    through_oem = asked == "ipmi" and _said(layers, "oem")
    if _said(layers, "dcmi") is False and not (_said(layers, "sensors") or through_oem):
        where = path if getattr(layers[0], "dcmi", None) is False else _BMC
        reason = "with dcmi false, sensors must name what to sum"
        yield Problem(f"{where}.{asked}.sensors", reason, alone=True)


def _layers(bmc: Bmc, entry: HostEntry, field: str) -> tuple[Any, Any, Model | None]:
    """List the settings of a method that count for an entry, the closest first."""
    named = PRESETS.get((method(bmc, entry), preset(bmc, entry) or ""))
    return getattr(entry, field), getattr(bmc, field), named


def _said(layers: tuple[Any, ...], field: str) -> Any:
    """Return what the closest layer says of a field; `UNREAD` where a layer could not be read."""
    for layer in layers:
        if layer is UNREAD:
            return UNREAD
        if layer is not None and getattr(layer, field) is not None:
            return getattr(layer, field)
    return None
