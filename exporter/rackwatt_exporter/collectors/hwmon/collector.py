"""Collector of the board's sensors: power by which it is integrated, and counters of energy.

Sensors overlap in ways that no file describes: a supply's input has its outputs in it, and a board
its chips. So none of them is added to another. Energy counters have 64 bits, of microjoules: they
never wrap, and one that decreases has started again.
"""

import math
import os

from rackwatt_crds.node.hwmon import Hwmon
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.hwmon.sensors import HwmonSensor, sensors
from rackwatt_exporter.collectors.open_file import MICRO, OpenFile, signed
from rackwatt_exporter.collectors.read_thread import ReadThread
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.plausibility import HWMON_NO_VALUE, MAX_JOULES, MAX_NODE_WATTS, measured
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, EnergyCounter, ReadError, Reason

INFO = MetricFamily(
    "rackwatt_node_hwmon_sensor_info",
    "gauge",
    "Chip, sensor and label of a zone of the source hwmon; `chip` is as node_exporter names it.",
    ("node", "zone", "chip", "chip_name", "sensor", "label"),
)
STATISTIC = MetricFamily(
    "rackwatt_node_hwmon_power_statistic_watts",
    "gauge",
    "Power that a sensor has averaged, or its minimum or maximum, over a time that it chooses.",
    ("node", "zone", "statistic"),
    "watts",
)
FAMILIES = (INFO, STATISTIC)

MAX_PART_WATTS = 10_000.0  # more than a part of a machine draws


class HwmonCollector:
    """The sensors of power and energy of one machine."""

    def __init__(self, host: HostPaths, settings: Hwmon | None, secrets: Secrets) -> None:
        del secrets
        self._root = host.sysfs / "class/hwmon"
        self._whole = settings.whole_node if settings else None
        self._seen: frozenset[str] | None = None
        self._sensors: list[HwmonSensor] = []
        self._thread = ReadThread()

    async def read(self) -> CollectorResult:
        """Read every sensor, of the chips that exist now.

        Raises:
            ReadError: absent, where there is no sensor; the reason, where none can be read;
                timeout, where a driver hangs.
        """
        return await self._thread.run(self._read)

    async def close(self) -> None:
        """Close every file, unless a driver hangs in one."""
        if not self._thread.is_busy:
            self._forget()

    def _read(self) -> CollectorResult:
        self._update_sensors()
        powers: list[DomainPower] = []
        energies: list[EnergyCounter] = []
        samples: list[Sample] = []
        problem = self._misnamed()
        for sensor in self._sensors:
            who = (sensor.zone, sensor.chip, sensor.chip_name, sensor.name, sensor.label)
            try:
                if sensor.counts_energy:
                    energies.append(_energy(sensor))
                else:
                    powers.append(_power(sensor))
                samples += [Sample(INFO, who, 1), *_statistics(sensor)]
            except ReadError as error:
                problem = problem or error
        if problem is not None:
            self._seen = None  # a driver may have provided the files again
            if not powers and not energies:
                raise problem
        return CollectorResult(tuple(samples), tuple(energies), problem, tuple(powers))

    def _update_sensors(self) -> None:
        """Find the sensors again, if the chips have changed."""
        try:
            present = frozenset(os.listdir(self._root))
        except FileNotFoundError:
            present = frozenset()
        except OSError as error:
            raise read_error(self._root, error) from None
        if present != self._seen:
            self._forget()
            self._sensors = sensors(self._root, present, self._whole)
            self._seen = present
        if not self._sensors:
            message = f"{self._root} has no sensor of power or energy; is its driver loaded?"
            raise ReadError(Reason.ABSENT, message)

    def _misnamed(self) -> ReadError | None:
        """Return the error of a sensor of the whole node that does not exist."""
        if self._whole is None or any(sensor.is_whole for sensor in self._sensors):
            return None
        zones = ", ".join(sensor.zone for sensor in self._sensors)
        message = f"there is no sensor {self._whole!r} (spec.node.hwmon.wholeNode), only {zones}"
        return ReadError(Reason.NO_POWER_SENSOR, message)

    def _forget(self) -> None:
        for sensor in self._sensors:
            sensor.close()
        self._sensors, self._seen = [], None


def _power(sensor: HwmonSensor) -> DomainPower:
    watts = _value(sensor, sensor.value) / MICRO
    most = MAX_NODE_WATTS if sensor.is_whole else MAX_PART_WATTS
    if watts > most or (sensor.is_whole and watts == 0):
        message = f"{sensor.value.path} is {watts:.12g} W, which {_domain(sensor)} never draws"
        raise ReadError(Reason.IMPLAUSIBLE, message)
    return DomainPower(_domain(sensor), sensor.zone, watts, additive=sensor.is_whole)


def _energy(sensor: HwmonSensor) -> EnergyCounter:
    joules = _value(sensor, sensor.value) / MICRO
    if joules > MAX_JOULES:
        message = f"{sensor.value.path} is {joules:.12g} J, which nothing has used"
        raise ReadError(Reason.IMPLAUSIBLE, message)
    most = MAX_NODE_WATTS if sensor.is_whole else MAX_PART_WATTS
    return EnergyCounter(
        _domain(sensor), sensor.zone, joules, math.inf, sensor.is_whole, max_watts=most
    )


def _statistics(sensor: HwmonSensor) -> list[Sample]:
    return [
        Sample(STATISTIC, (sensor.zone, statistic), _value(sensor, file) / MICRO)
        for statistic, file in sensor.statistics.items()
    ]


def _domain(sensor: HwmonSensor) -> str:
    return WHOLE_NODE if sensor.is_whole else sensor.chip_name


def _value(sensor: HwmonSensor, file: OpenFile) -> float:
    """Read a number of a sensor that reports no fault.

    Raises:
        ReadError: permission_denied, absent or sensor_unreadable; bad_reply.
    """
    if sensor.fault is not None and _integer(sensor.fault):
        message = f"{sensor.fault.path}: the sensor reports a fault"
        raise ReadError(Reason.SENSOR_UNREADABLE, message)
    return measured(_integer(file), str(file.path), HWMON_NO_VALUE)


def _integer(file: OpenFile) -> int:
    try:
        return signed(file.read(64), file.path)
    except OSError as error:
        raise read_error(file.path, error) from None
