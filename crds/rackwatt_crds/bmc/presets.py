"""Presets: settings for a vendor's products, which any setting of a document overrides.

Each follows public documentation or other programs in production. The MIB object is named beside
each number, so that a reader can look it up. None has been tested on a device.
"""

from collections.abc import Mapping
from types import MappingProxyType

from rackwatt_crds.bmc.redfish import Redfish
from rackwatt_crds.bmc.snmp import Oid, Row, Snmp
from rackwatt_crds.model import Model

_APC = "1.3.6.1.4.1.318.1.1"
_CPQ = "1.3.6.1.4.1.232"
_EATON = "1.3.6.1.4.1.534.6.6.7"
_IDRAC_PROBES = "1.3.6.1.4.1.674.10892.5.4.600.30.1"
_RARITAN = "1.3.6.1.4.1.13742.6"
_SERVERTECH = "1.3.6.1.4.1.1718"


def _every_row(column: str, scale: float | None = None) -> Oid:
    return Oid(oid=column, scale=scale, where=Row(oid=column))


def _snmp(*oids: Oid) -> Snmp:
    return Snmp(oids=list(oids))


_PRESETS: dict[tuple[str, str], Model] = {
    # PowerNet-MIB rPDU2DeviceStatusPower, hundredths of kW; a row for each unit of a chain.
    ("snmp", "apc-rpdu2"): _snmp(_every_row(f"{_APC}.26.4.3.1.5", scale=10)),
    # PowerNet-MIB rPDUIdentDevicePowerWatts, of the first generation.
    ("snmp", "apc-rpdu"): _snmp(Oid(oid=f"{_APC}.12.1.16.0")),
    # Sentry3-MIB systemTotalPower.
    ("snmp", "servertech-sentry3"): _snmp(Oid(oid=f"{_SERVERTECH}.3.1.6.0")),
    # Sentry4-MIB st4InputCordActivePower, by unit and cord.
    ("snmp", "servertech-sentry4"): _snmp(_every_row(f"{_SERVERTECH}.4.1.3.3.1.3")),
    # EATON-EPDU-MIB inputTotalWatts, by strapping index and input.
    ("snmp", "eaton-epdu-g3"): _snmp(_every_row(f"{_EATON}.3.5.1.4")),
    # PDU2-MIB measurementsInletSensorValue, inletSensorDecimalDigits and, for what counts,
    # measurementsInletSensorIsAvailable (true is 1): PDU 1, inlet 1, sensor activePower(5).
    ("snmp", "raritan-pdu2"): _snmp(
        Oid(
            oid=f"{_RARITAN}.5.2.3.1.4.1.1.5",
            digits_oid=f"{_RARITAN}.3.3.4.1.7.1.1.5",
            where=Row(oid=f"{_RARITAN}.5.2.3.1.2.1.1.5", equals="1"),
        )
    ),
    # IDRAC-MIB-SMIv2 amperageProbeReading where amperageProbeLocationName names the system's watts:
    # other rows of the column are tenths of amperes, and a row's index differs between models.
    ("snmp", "idrac"): _snmp(
        Oid(
            oid=f"{_IDRAC_PROBES}.6",
            where=Row(oid=f"{_IDRAC_PROBES}.8", equals="System Board Pwr Consumption"),
        )
    ),
    # CPQHLTH-MIB cpqHePowerMeterCurrReading, while cpqHePowerMeterStatus is present(2).
    ("snmp", "ilo"): _snmp(
        Oid(oid=f"{_CPQ}.6.2.15.3.0", where=Row(oid=f"{_CPQ}.6.2.15.2.0", equals="2"))
    ),
    # As power-exporter reads an iDRAC: the mean over the BMC's own interval.
    ("redfish", "idrac"): Redfish(value="average"),
}
PRESETS: Mapping[tuple[str, str], Model] = MappingProxyType(_PRESETS)
