"""Choice of a chassis' sensors: which of them to read, and which make up its power.

A BMC may list hundreds. Their Ids mostly name what they measure, so those that are named like the
machine's total are read first, and then those named like power. A total with an upper limit is
accepted only beside some of the parts. An Id may be meaningless, so a sum of supplies is accepted
only after every sensor has been read.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.limits import upper_limit
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.names import (
    display_name,
    is_supply_input,
    names_part,
    numbers_node,
    shown,
    words,
)
from rackwatt_exporter.protocols.redfish.power import NotNamedError, measures_power
from rackwatt_exporter.protocols.redfish.sensors import Chosen, choose_sensors, is_named
from rackwatt_exporter.protocols.redfish.whole import whole_rank
from rackwatt_exporter.reading import Members, ReadError, Reason
from rackwatt_exporter.targets.redfish.collection import Look, pages, unlinked, unlisted

EXPAND = "?$expand=.($levels=1)"
_PARTS = 8  # enough to contradict a total's limit, and few enough to request for that alone
_OF_POWER = re.compile(r"p(o)?we?r|watt|psu|pin\b|energy|consum", re.IGNORECASE)


class SensorList(NamedTuple):
    """The sensor collection of a chassis; `others` are known to measure something else."""

    path: str
    expands: bool
    others: frozenset[str] = frozenset()


async def chosen_sensors(
    look: Look, listed: SensorList, machine: Machine
) -> tuple[Chosen, SensorList]:
    """Return the sensors of the machine's power, and the list without those of anything else.

    Raises:
        NotNamedError: as `choose_sensors`.
    """
    path, expands, others = listed
    known = {p: e for p, e in (await _list(look, path, expands)).items() if p not in others}
    if total := await _total_by_id(look, known, machine):
        return total, listed
    documents = await _read_all(look, known, known)
    apart = {
        p for e in documents if get_str(e, "ReadingType") not in ("", "Power") and (p := link(e))
    }
    not_expanded = {p for p in apart if p in known and known[p] is None}
    chosen = choose_sensors(documents, machine)
    if chosen.sensors and chosen.supplies:
        if more := await unlisted(look, path) + await unlinked(look, path):
            names = [display_name(each) for each in chosen.sensors]
            raise NotNamedError(f"the chassis counts {more} sensors more than it lists:", names)
        chosen.sensors.extend(await _silent_inputs(look, known))
    return chosen, listed._replace(others=others | not_expanded)


async def _total_by_id(look: Look, known: dict[str, Json], machine: Machine) -> Chosen | None:
    """Find the total among the sensors whose Ids are of power, the likeliest first."""
    by_id = {path: {"Id": last_part(path)} for path in known}
    totals = [p for p, e in by_id.items() if whole_rank(e, machine) > 1 or numbers_node(e)]
    of_power = [p for p in known if _may_be_power(p)]
    parts = [p for p in of_power if names_part(last_part(p))]
    beside = totals + ([p for p in parts if known[p]] or parts[:_PARTS])
    for likely, alone in ((totals, True), (beside, False), (of_power, False)):
        with suppress(NotNamedError):  # which the others may explain
            chosen = choose_sensors(await _read_all(look, known, likely), machine)
            limited = any(upper_limit(each) for each in chosen.sensors)
            if chosen.sensors and not chosen.supplies and not (alone and limited):
                return chosen
    return None


async def _silent_inputs(look: Look, known: dict[str, Json]) -> list[Json]:
    """Return references to the inputs of supplies that are listed and cannot be read."""
    named = [p for p in known if is_supply_input({"Id": last_part(p)})]
    return [{"@odata.id": p} for p in named if not (known[p] or await look(p))]


async def named_sensors(
    look: Look, path: str, names: Sequence[str], expands: bool
) -> dict[str, Json]:
    """Return the sensors with these names or Ids, of a collection.

    Raises:
        ReadError: member_missing where some are not there, no_power_sensor where none is, or one
            name is that of several.
    """
    known = await _list(look, path, expands)
    by_id = [p for p in known if last_part(p) in names]
    found = _matched(names, await _read_all(look, known, by_id))
    if len(found) < len(names):
        found = _matched(names, await _read_all(look, known, known))
    missing = [name for name in names if name not in found]
    if not missing:
        return found
    seen = [display_name(e) for e in await _read_all(look, known, known) if measures_power(e)]
    there = ", ".join(map(shown, seen))[:400] or "no sensors of power"
    message = f"no sensor is called {', '.join(map(shown, missing))[:200]}; there are: {there}"
    reason = Reason.MEMBER_MISSING if found else Reason.NO_POWER_SENSOR
    raise ReadError(reason, message, members=Members(len(names), len(found)))


def _matched(names: Sequence[str], documents: Sequence[Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in names:
        matches = [each for each in documents if is_named(each, name)]
        if len(matches) > 1:
            paths = ", ".join(shown(link(each), 200) for each in matches)
            message = f"several sensors are called {shown(name)}, name one by its Id: {paths[:600]}"
            raise ReadError(Reason.NO_POWER_SENSOR, message)
        if matches:
            found[name] = matches[0]
    return found


async def _list(look: Look, path: str, expands: bool) -> dict[str, Json]:
    """Return the sensors by path, with their resource where the list has it."""
    whole = await pages(look, path + EXPAND) if expands else []
    entries = whole or await pages(look, path)
    known = {p: each for each in entries if (p := link(each))}
    return {p: each if "ReadingType" in each else None for p, each in known.items()}


async def _read_all(look: Look, known: dict[str, Json], paths: Iterable[str]) -> list[Json]:
    documents = [known[path] or await look(path) for path in paths]
    return [each for each in documents if each]


def _may_be_power(path: str) -> bool:
    name = last_part(path)
    return _OF_POWER.search(name) is not None or not any(len(said) > 2 for said in words(name))
