"""Real programs over a real BMC: Debian's ipmitool and FreeIPMI against ipmi_sim."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rackwatt_exporter.collectors.ipmi.programs import KNOWN, PowerProgram, installed_program
from rackwatt_exporter.protocols.ipmi.completion_codes import INVALID_COMMAND, CompletionError
from rackwatt_exporter.reading import Statistics
from tests.peers.ipmi_sim import PASSWORD, USERNAME, Bmc, ipmi_sim

Command = Callable[[Bmc, Path], PowerProgram]


@pytest.fixture(scope="module")
def bmc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bmc]:
    with ipmi_sim(tmp_path_factory.mktemp("sim")) as sim:
        yield sim.bmcs[0]


def ipmitool(bmc: Bmc, directory: Path) -> PowerProgram:
    """Return ipmitool with its password in a file."""
    (directory / "password").write_text(PASSWORD)
    where = ("-I", "lanplus", "-C", "3", "-H", bmc.address, "-p", str(bmc.port))
    who = ("-U", USERNAME, "-f", str(directory / "password"))
    return PowerProgram(("ipmitool", *where, *who, *KNOWN[1][1:]))


def freeipmi(bmc: Bmc, directory: Path) -> PowerProgram:
    """Return ipmi-dcmi with its password in a file; it is in /usr/sbin."""
    config = directory / "freeipmi.conf"
    config.write_text(
        f"driver-type LAN_2_0\nusername {USERNAME}\npassword {PASSWORD}\n"
        "cipher-suite-id 3\nprivilege-level ADMIN\nworkaround-flags opensesspriv\n"
    )
    where = (f"--config-file={config}", "-h", f"{bmc.address}:{bmc.port}")
    return PowerProgram((KNOWN[0][0], *where, *KNOWN[0][1:]))


@pytest.mark.parametrize("command", [ipmitool, freeipmi])
async def test_a_real_program_reads_the_watts_and_statistics_of_a_bmc(
    tmp_path: Path, bmc: Bmc, command: Command
) -> None:
    bmc.set_power(344)
    power = await command(bmc, tmp_path).read()
    assert (power.watts, power.measuring) == (344, True)
    assert power.statistics == Statistics(345, 341, 349, 1)
    bmc.set_power(344, state=0)
    assert not (await command(bmc, tmp_path).read()).measuring


@pytest.mark.parametrize("command", [ipmitool, freeipmi])
async def test_a_bmc_without_dcmi_is_its_completion_code_whatever_the_program(
    tmp_path: Path, bmc: Bmc, command: Command
) -> None:
    bmc.set_power(344, code=INVALID_COMMAND)
    with pytest.raises(CompletionError) as caught:
        await command(bmc, tmp_path).read()
    assert caught.value.code == INVALID_COMMAND


def test_programs_are_found_beside_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = installed_program()
    assert found is not None
    assert found.name == "ipmi-dcmi"
    assert os.path.exists("/usr/sbin/ipmi-dcmi")
