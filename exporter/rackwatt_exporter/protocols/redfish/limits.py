"""Upper limits that a Sensor (DSP2046) names: its Thresholds, and the end of its range.

A machine draws at least what each of its parts draws. So a sensor is not the machine's if it reads
no more than its upper limit while a part of the machine draws more than that. A limit says nothing
else: many are defaults of the firmware, some are set by people, and a part may have a wider range
than the whole. Two readings alone say nothing either: they are of different moments. A power supply
is none of these parts, since it may feed several machines.
"""

from collections.abc import Iterable
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, get
from rackwatt_exporter.protocols.redfish.names import is_part
from rackwatt_exporter.protocols.redfish.numbers import statistic
from rackwatt_exporter.protocols.redfish.status import works

_UPPER = ("UpperCaution", "UpperCritical", "UpperFatal")


class Contradiction(NamedTuple):
    """A sensor that is not the machine's, its limit, and the part that draws more, both in W."""

    sensor: Json
    limit: float
    part: Json
    draws: float


def upper_limit(sensor: Json) -> float | None:
    """Return the most that a sensor can read, or can read without an alarm, in W.

    None where it names neither or has no reading now. A limit below its own reading is not true.
    """
    reading = _watts(sensor)
    if reading is None:
        return None
    alarms = [statistic(get(sensor, "Thresholds", each, "Reading")) for each in _UPPER]
    last_alarm = max((each for each in alarms if each), default=None)
    named = last_alarm, statistic(get(sensor, "ReadingRangeMax"))
    return min((each for each in named if each and each >= reading), default=None)


def contradictions(totals: Iterable[Json], power: Iterable[Json]) -> list[Contradiction]:
    """Find the sensors named as the total with a limit below what a part of the machine draws.

    `power` are all known sensors of power; the part is the one that draws most.
    """
    parts = [(draws, each) for each in power if is_part(each) and (draws := _watts(each))]
    draws, part = max(parts, key=lambda found: found[0], default=(0.0, None))
    limits = [(each, upper_limit(each)) for each in totals]
    return [Contradiction(e, limit, part, draws) for e, limit in limits if limit and limit < draws]


def _watts(sensor: Json) -> float | None:
    return statistic(get(sensor, "Reading")) if works(sensor) else None
