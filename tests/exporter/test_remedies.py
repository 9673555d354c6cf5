"""The advice on a failure is about what failed: a scheduler is no BMC."""

import re
from pathlib import Path

import pytest

from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines.registry import Registry
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.remedies import KINDS, REMEDIES, remedy_of
from rackwatt_exporter.store.ledger_file import LedgerFile

# Reasons that only a target, or a collector inside a node, fails for.
OF_MACHINES = {
    Reason.SESSION_LIMIT,
    Reason.NO_POWER_SENSOR,
    Reason.SENSOR_UNREADABLE,
    Reason.SEARCHING,
    Reason.MEMBER_MISSING,
    Reason.IMPLAUSIBLE,
    Reason.POWERED_OFF,
    Reason.PERMISSION_DENIED,
    Reason.ABSENT,
}
OF_BMCS = re.compile(r"BMC|IPMI|SNMP|Redfish|UDP|VLAN|device|sensor|chassis|oids", re.IGNORECASE)


def test_every_pipeline_has_remedies(tmp_path: Path) -> None:
    registry = Registry(LedgerFile(None), Secrets(tmp_path), HostPaths())
    assert list(KINDS) == [pipeline.name for pipeline in registry]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in OF_MACHINES])
def test_no_remedy_of_a_scheduler_is_about_bmcs(reason: Reason) -> None:
    remedy = remedy_of(ReadError(reason, "x"), "schedulers")
    assert not OF_BMCS.search(remedy), remedy


@pytest.mark.parametrize("kind", ["schedulers", "lustre", "collectors", "units", "energy", "grids"])
def test_the_advice_on_what_was_not_understood_is_not_that_of_a_bmc(kind: str) -> None:
    for reason in (Reason.TIMEOUT, Reason.BAD_REPLY):
        assert not OF_BMCS.search(remedy_of(ReadError(reason, "x"), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_remedy_of_the_cause_comes_first(kind: str) -> None:
    assert remedy_of(ReadError(Reason.TIMEOUT, "x", remedy="Wait."), kind) == "Wait."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_remedy_for_every_kind(kind: str, reason: Reason) -> None:
    assert remedy_of(ReadError(reason, "x"), kind)
    assert set(REMEDIES) == set(Reason)
