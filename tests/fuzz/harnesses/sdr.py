"""Sensor data records: the name and the value that a second computation finds too, or none.

The first byte is the raw reading, six are the reading's own factors; the record is the rest.
"""

import math

from rackwatt_exporter.protocols.ipmi.sdr import Factors, parse_record
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.protocols.ipmi import sdr_oracle


def examine(data: bytes) -> None:
    """Parse and convert."""
    if len(data) < 7:
        return
    raw, factors, record = data[0], data[1:7], data[7:]
    sensor = parse_record(record)
    if sensor is None:
        return
    assert record[3] == 1
    assert len(record) >= 48
    assert (sensor.number, sensor.owner, sensor.base_unit) == (record[7], record[5], record[21])
    own = factors if sensor.non_linear else None
    expected = sdr_oracle.value(record, raw, own)
    try:
        value = sensor.value(raw, Factors.parse(own) if own else None)
    except ReadError as error:
        assert error.reason is Reason.SENSOR_UNREADABLE
        assert expected is None or abs(expected) > 1e307
        return
    assert expected is not None
    assert math.isclose(value, float(expected), rel_tol=1e-9, abs_tol=1e-9)
