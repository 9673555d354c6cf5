"""Presets of SNMP, each against an snmpd with the objects of the vendor's documents."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rackwatt_crds.bmc.presets import PRESETS
from rackwatt_exporter.config.options import RedfishOptions, SnmpOptions, merge_layers
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.snmp.source import SnmpDriver
from tests.peers.snmpd import COMMUNITY, snmpd

APC = "1.3.6.1.4.1.318.1.1"
SERVERTECH = "1.3.6.1.4.1.1718"
PROBES = "1.3.6.1.4.1.674.10892.5.4.600.30.1"
RARITAN = "1.3.6.1.4.1.13742.6"
EATON = "1.3.6.1.4.1.534.6.6.7"
ILO = "1.3.6.1.4.1.232.6.2.15"
IDRAC = (
    f"{PROBES}.6.1.1 integer 6",
    f"{PROBES}.6.1.2 integer 4",
    f"{PROBES}.6.1.3 integer 344",
    f'{PROBES}.8.1.1 octet_str "PS1 Current 1"',
    f'{PROBES}.8.1.2 octet_str "PS2 Current 2"',
    f'{PROBES}.8.1.3 octet_str "System Board Pwr Consumption"',
)
INLET = "1.1.5"
DEVICES = [
    ("apc-rpdu2", [f"{APC}.26.4.3.1.5.1 uinteger 42"], 420),
    (
        "apc-rpdu2",
        [f"{APC}.26.4.3.1.5.1 uinteger 42", f"{APC}.26.4.3.1.5.2 uinteger 8"],
        500,
    ),
    ("apc-rpdu", [f"{APC}.12.1.16.0 integer 807"], 807),
    ("servertech-sentry3", [f"{SERVERTECH}.3.1.6.0 integer 1807"], 1807),
    (
        "servertech-sentry4",
        [f"{SERVERTECH}.4.1.3.3.1.3.1.1 integer 888", f"{SERVERTECH}.4.1.3.3.1.3.2.1 integer 919"],
        1807,
    ),
    ("eaton-epdu-g3", [f"{EATON}.3.5.1.4.0.1 integer 613"], 613),
    (
        "raritan-pdu2",
        [
            f"{RARITAN}.5.2.3.1.4.{INLET} uinteger 12345",
            f"{RARITAN}.3.3.4.1.7.{INLET} uinteger 1",
            f"{RARITAN}.5.2.3.1.2.{INLET} integer 1",
        ],
        1234.5,
    ),
    ("idrac", IDRAC, 344),
    ("ilo", [f"{ILO}.3.0 integer 351", f"{ILO}.2.0 integer 2"], 351),
]
WITHOUT = [
    ("apc-rpdu2", [f"{APC}.26.4.3.1.5.1 integer -1"], Reason.SENSOR_UNREADABLE),
    ("idrac", IDRAC[:2] + IDRAC[3:5], Reason.NO_POWER_SENSOR),
    ("ilo", [f"{ILO}.3.0 integer 0", f"{ILO}.2.0 integer 3"], Reason.NO_POWER_SENSOR),
    (
        "raritan-pdu2",
        [f"{RARITAN}.5.2.3.1.4.{INLET} uinteger 0", f"{RARITAN}.5.2.3.1.2.{INLET} integer 2"],
        Reason.NO_POWER_SENSOR,
    ),
]


async def watts(tmp_path: Path, preset: str, objects: Sequence[str]) -> float:
    secret = tmp_path / "secrets" / "pdu"
    secret.mkdir(parents=True)
    (secret / "community").write_text(COMMUNITY)
    with snmpd(tmp_path / "snmpd", objects) as daemon:
        options = merge_layers(SnmpOptions, PRESETS["snmp", preset])
        options = SnmpOptions(port=daemon.port, oids=options.oids)
        target = Target("n1", daemon.address, "snmp", options, "lab", credentials="pdu")
        source = SnmpDriver(Secrets(secret.parent)).source(target)
        try:
            return (await source.read()).watts
        finally:
            await source.close()


@pytest.mark.parametrize(("preset", "objects", "expected"), DEVICES)
async def test_a_preset_reads_its_devices_watts(
    tmp_path: Path, preset: str, objects: Sequence[str], expected: float
) -> None:
    assert await watts(tmp_path, preset, objects) == expected


@pytest.mark.parametrize(("preset", "objects", "reason"), WITHOUT)
async def test_a_preset_reads_nothing_where_nothing_is_measured(
    tmp_path: Path, preset: str, objects: Sequence[str], reason: Reason
) -> None:
    with pytest.raises(ReadError) as caught:
        await watts(tmp_path, preset, objects)
    assert caught.value.reason is reason


def test_every_snmp_preset_has_a_test() -> None:
    tested = {preset for preset, *_ in DEVICES}
    assert tested == {preset for method, preset in PRESETS if method == "snmp"}


def test_an_idrac_is_averaged_over_redfish() -> None:
    assert merge_layers(RedfishOptions, PRESETS["redfish", "idrac"]).value == "average"
