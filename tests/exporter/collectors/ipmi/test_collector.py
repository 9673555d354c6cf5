"""The node's own BMC, through a child with a driver below it, or a program."""

import os
from pathlib import Path

import pytest

from rackwatt_crds.node.ipmi import NodeIpmi
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.bmc_statistics import POWER, WINDOW
from rackwatt_exporter.collectors.ipmi.collector import IpmiCollector
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.metrics.family import Sample
from rackwatt_exporter.protocols.ipmi.dcmi import PowerReading, encode_power_reading
from rackwatt_exporter.reading import DomainPower, ReadError, Reason, Statistics
from tests.exporter.protocols.ipmi.openipmi_driver import device, worker

KEPT = Statistics(345, 341, 349, 1.0)


def dcmi(watts: int, measuring: bool = True, kept: Statistics = KEPT) -> str:
    """Return a response of DCMI in hexadecimal."""
    return "00" + encode_power_reading(PowerReading(watts, measuring, kept), 0).hex()


async def read(
    devfs: Path, settings: NodeIpmi | None = None, behaviour: str = ""
) -> CollectorResult:
    host = HostPaths("n1", devfs=devfs)
    made = IpmiCollector(host, settings, Secrets(devfs), worker(behaviour))
    try:
        return await made.read()
    finally:
        await made.close()


async def failure(devfs: Path, settings: NodeIpmi | None = None, behaviour: str = "") -> ReadError:
    with pytest.raises(ReadError) as caught:
        await read(devfs, settings, behaviour)
    return caught.value


def program(directory: Path, name: str, script: str) -> Path:
    """Write a shell script that is run as a program."""
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def only(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no programs be found but those of a directory and of the shell."""
    monkeypatch.setenv("PATH", f"{directory}:/bin")
    monkeypatch.setattr("rackwatt_exporter.collectors.ipmi.programs._SYSTEM", ())
    monkeypatch.setattr(
        "rackwatt_exporter.collectors.ipmi.programs.KNOWN",
        (("ipmi-dcmi.test", "--get"), ("ipmitool.test", "dcmi", "power", "reading")),
    )


async def test_watts_of_the_node_and_the_statistics_of_its_bmc(tmp_path: Path) -> None:
    device(tmp_path)
    found = await read(tmp_path, behaviour=dcmi(344))
    assert found.powers == (DomainPower("node", "dcmi", 344.0),)
    assert found.samples == (
        Sample(POWER, ("ipmi", "minimum"), 341),
        Sample(POWER, ("ipmi", "maximum"), 349),
        Sample(POWER, ("ipmi", "average"), 345),
        Sample(WINDOW, ("ipmi",), 1.0),
    )


async def test_the_device_of_the_number_in_the_document_is_read(tmp_path: Path) -> None:
    device(tmp_path, "ipmi/3")
    found = await read(tmp_path, NodeIpmi(mode="native", device=3), dcmi(7, kept=Statistics()))
    assert found == CollectorResult(powers=(DomainPower("node", "dcmi", 7.0),))


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        (dcmi(0), Reason.NO_POWER_SENSOR, "0 W"),
        (dcmi(344, measuring=False), Reason.NO_POWER_SENSOR, "not measuring"),
        ("c1", Reason.NO_POWER_SENSOR, "does not know this command"),
        ("c0", Reason.SENSOR_UNREADABLE, "busy"),
        ("d4", Reason.PRIVILEGE_INSUFFICIENT, "privilege"),
        (dcmi(0xFFFF), Reason.SENSOR_UNREADABLE, "65535"),
        (dcmi(61_000), Reason.IMPLAUSIBLE, "more than 60000 W"),
        (dcmi(344, kept=Statistics(345, 349, 341)), Reason.BAD_REPLY, "minimum of 349 W"),
        (dcmi(344)[:20], Reason.BAD_REPLY, "too few"),
        ("00" + "aa" * 18, Reason.BAD_REPLY, "group AAh"),
    ],
)
async def test_what_is_no_measurement_is_a_reason(
    tmp_path: Path, behaviour: str, reason: Reason, words: str
) -> None:
    device(tmp_path)
    error = await failure(tmp_path, behaviour=behaviour)
    assert error.reason is reason
    assert words in str(error)
    if reason is Reason.NO_POWER_SENSOR:
        assert error.remedy is not None
        assert "ipmi.command" in error.remedy


async def test_a_machine_with_neither_device_nor_program_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    error = await failure(tmp_path)
    assert error.reason is Reason.ABSENT
    assert f"there is no {tmp_path}/ipmi0, and no program" in str(error)
    error = await failure(tmp_path, NodeIpmi(mode="command"))
    assert error.reason is Reason.ABSENT
    assert "there is no" not in str(error)


async def test_native_mode_runs_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(tmp_path, monkeypatch)
    program(tmp_path, "ipmitool.test", "echo 300")
    host = HostPaths("n1", devfs=tmp_path)
    made = IpmiCollector(host, NodeIpmi(mode="native"), Secrets(tmp_path))
    with pytest.raises(ReadError, match="ipmi_devintf") as caught:
        await made.read()
    assert caught.value.reason is Reason.ABSENT
    await made.close()


async def test_auto_prefers_the_device_to_a_program_and_falls_back_to_the_first_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    program(tmp_path, "ipmitool.test", 'test "$*" = "dcmi power reading" && echo 300')
    assert (await read(tmp_path, behaviour=dcmi(344))).powers[0].watts == 300.0
    program(tmp_path, "ipmi-dcmi.test", "echo 310 W")
    assert (await read(tmp_path, behaviour=dcmi(344))).powers[0].watts == 310.0
    device(tmp_path)
    assert (await read(tmp_path, behaviour=dcmi(344))).powers[0].watts == 344.0


async def test_a_program_that_fails_for_the_lack_of_a_device_says_that_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    program(tmp_path, "ipmitool.test", "echo Could not open device >&2; exit 1")
    error = await failure(tmp_path)
    assert error.reason is Reason.ABSENT
    assert "ipmi0; ipmitool.test ended with status 1: Could not open device" in str(error)
    error = await failure(tmp_path, NodeIpmi(mode="command"))
    assert error.reason is Reason.COMMAND_FAILED


async def test_a_program_that_lacks_a_device_is_run_again_after_ten_minutes_or_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    program(tmp_path, "ipmitool.test", f"echo run >> {tmp_path}/runs; exit 1")
    now_s = [0.0]
    host = HostPaths("n1", devfs=tmp_path)
    made = IpmiCollector(host, None, Secrets(tmp_path), worker(dcmi(344)), lambda: now_s[0])
    for at_s, runs in ((0.0, 1), (15.0, 1), (599.0, 1), (600.0, 2), (615.0, 2)):
        now_s[0] = at_s
        with pytest.raises(ReadError) as caught:
            await made.read()
        assert caught.value.reason is Reason.ABSENT
        assert "ipmi0; ipmitool.test ended with status 1" in str(caught.value)
        assert (tmp_path / "runs").read_text().count("run") == runs
    device(tmp_path)
    assert (await made.read()).powers[0].watts == 344.0
    await made.close()


async def test_a_device_that_may_not_be_opened_is_not_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(tmp_path, monkeypatch)
    device(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may open all files
    error = await failure(tmp_path)
    assert error.reason is Reason.PERMISSION_DENIED
    assert "may not be opened" in str(error)


async def test_a_command_of_the_document_is_run_and_its_environment_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("SECRET_OF_THE_SITE", "hidden")
    own = program(tmp_path, "watts", f'env > {tmp_path}/env; echo "$1.5 W"')
    device(tmp_path)
    settings = NodeIpmi(command=[str(own), "412"])
    assert (await read(tmp_path, settings, dcmi(344))).powers[0].watts == 412.5
    environment = (tmp_path / "env").read_text().splitlines()
    assert "LC_ALL=C" in environment
    assert not any("SECRET_OF_THE_SITE" in line for line in environment)


@pytest.mark.parametrize(
    ("script", "reason", "words"),
    [
        ("echo 0", Reason.NO_POWER_SENSOR, "0 W"),
        ("echo 70000", Reason.IMPLAUSIBLE, "70000 W"),
        ("echo", Reason.BAD_REPLY, "no current power"),
        ("echo broken >&2; exit 3", Reason.COMMAND_FAILED, "status 3: broken"),
        (
            "echo 'DCMI request failed because: Invalid command (c1)' >&2; exit 1",
            Reason.NO_POWER_SENSOR,
            "does not know this command",
        ),
        (
            "echo 'ipmi_cmd_dcmi_get_power_reading: command invalid or unsupported' >&2; exit 1",
            Reason.NO_POWER_SENSOR,
            "does not know this command",
        ),
        ("kill -9 $$", Reason.COMMAND_FAILED, "status -9"),
    ],
)
async def test_a_program_that_fails_is_a_reason(
    tmp_path: Path, script: str, reason: Reason, words: str
) -> None:
    own = program(tmp_path, "watts", script)
    error = await failure(tmp_path, NodeIpmi(command=[str(own)]))
    assert error.reason is reason
    assert words in str(error)


async def test_a_program_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    error = await failure(tmp_path, NodeIpmi(command=["/nonexistent/watts", "--password=x"]))
    assert error.reason is Reason.COMMAND_FAILED
    assert "/nonexistent/watts cannot be run: No such file" in str(error)
    assert "password" not in str(error)
