"""Collectors that `auto` has chosen, on machines that have what they read, and that do not."""

import os
from pathlib import Path

import pytest

from rackwatt_exporter.collectors.automatic import AutomaticCollector
from rackwatt_exporter.collectors.ipmi.collector import IpmiCollector
from rackwatt_exporter.collectors.rapl import RaplCollector
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from tests.exporter.collectors.powercap import XEON, Powercap
from tests.exporter.protocols.ipmi.openipmi_driver import device, worker


def rapl(sysfs: Path) -> AutomaticCollector:
    return AutomaticCollector(RaplCollector(HostPaths("n1", sysfs=sysfs)))


async def test_an_automatic_collector_is_absent_until_the_machine_has_what_it_reads(
    tmp_path: Path,
) -> None:
    collector = rapl(tmp_path)
    absent = (await collector.read()).absent
    assert absent is not None
    assert (absent.reason, absent.__traceback__) == (Reason.ABSENT, None)
    assert "A virtual machine has no RAPL" in str(absent)
    Powercap(tmp_path, XEON)
    found = await collector.read()
    assert (found.absent, len(found.energies)) == (None, 4)
    await collector.close()


async def test_an_automatic_collector_fails_if_what_it_has_read_vanishes(tmp_path: Path) -> None:
    Powercap(tmp_path, XEON)
    collector = rapl(tmp_path)
    await collector.read()
    before = len(os.listdir("/proc/self/fd"))
    (tmp_path / "class/powercap").rename(tmp_path / "class/elsewhere")
    with pytest.raises(ReadError) as caught:
        await collector.read()
    assert caught.value.reason is Reason.ABSENT
    await collector.close()
    assert len(os.listdir("/proc/self/fd")) == before - 4


async def test_an_automatic_collector_fails_for_any_other_reason_at_once(tmp_path: Path) -> None:
    Powercap(tmp_path, {}).add("intel-rapl:0", "package-0")
    (tmp_path / "class/powercap/intel-rapl:0/energy_uj").write_text("-1\n")
    with pytest.raises(ReadError) as caught:
        await rapl(tmp_path).read()
    assert caught.value.reason is Reason.BAD_REPLY


async def test_an_automatic_collector_takes_a_bmc_without_a_measurement_for_none(
    tmp_path: Path,
) -> None:
    device(tmp_path)
    host = HostPaths("n1", devfs=tmp_path)
    collector = AutomaticCollector(IpmiCollector(host, None, Secrets(tmp_path), worker("c1")))
    absent = (await collector.read()).absent
    await collector.close()
    assert absent is not None
    assert absent.reason is Reason.NO_POWER_SENSOR
