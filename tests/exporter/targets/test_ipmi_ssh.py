"""Power through ssh: a real sshd, the real ipmitool, OpenIPMI's BMC; the oracle is its configuration."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rackwatt_exporter.config.options import IpmiSshOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import Members, ReadError, Reason
from rackwatt_exporter.targets.ipmi_ssh import IpmiSshDriver
from tests.eventually import eventually
from tests.exporter.targets.ipmi.driven import driven
from tests.peers.ipmi_sim import PASSWORD, USERNAME, IpmiSim, SimSensor, ipmi_sim
from tests.peers.ipmi_tools import Asker
from tests.peers.sshd import Sshd, another_host_key, sshd

SENSORS = (
    SimSensor("PSU1 PIN", 43, m=8),
    SimSensor("PSU2 PIN", 40, m=8),
    SimSensor("Inlet Temp", 24, unit=1),
    SimSensor("PSU3 PIN", 9, scanning=False),
    SimSensor("PSU Input", 43, m=8),
    SimSensor("PSU Input", 31, m=8),
)
NO_SUCH_COMMAND = 0xC1


@pytest.fixture
def bmc(tmp_path: Path) -> Iterator[IpmiSim]:
    with ipmi_sim(tmp_path / "bmc", [SENSORS]) as sim:
        sim.bmcs[0].set_power(344)
        yield sim


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Sshd]:
    async with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def secrets(tmp_path: Path, peer: Sshd) -> Secrets:
    mounted = tmp_path / "secrets" / "ssh"
    mounted.mkdir(parents=True)
    (mounted / "ssh-privatekey").write_bytes(peer.client_key.read_bytes())
    (mounted / "known_hosts").write_bytes(peer.known_hosts.read_bytes())
    return Secrets(tmp_path / "secrets")


@pytest.fixture
async def driver(secrets: Secrets) -> AsyncIterator[IpmiSshDriver]:
    made = IpmiSshDriver(secrets)
    yield made
    await made.close()


@pytest.fixture
def target(peer: Sshd, bmc: IpmiSim, tmp_path: Path) -> Target:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    where = bmc.bmcs[0]
    lan = ("-I", "lanplus", "-C", "3", "-H", where.address, "-p", str(where.port))
    options = IpmiSshOptions(
        port=peer.port,
        user=peer.user,
        key_secret="ssh",
        known_hosts_secret="ssh",
        command=("ipmitool", *lan, "-U", USERNAME, "-f", str(password)),
    )
    return Target("n1", peer.address, "ipmiSsh", options, "lab")


def options_of(target: Target) -> IpmiSshOptions:
    assert isinstance(target.options, IpmiSshOptions)
    return target.options


def with_options(target: Target, **changes: Any) -> Target:
    return replace(target, options=replace(options_of(target), **changes))


async def reason_of(driver: IpmiSshDriver, target: Target) -> tuple[Reason, str]:
    source = driver.source(target)
    with pytest.raises(ReadError) as caught:
        await source.read()
    await source.close()
    return caught.value.reason, str(caught.value)


async def test_dcmi_watts_are_what_ipmitool_itself_reads(
    driver: IpmiSshDriver, target: Target, peer: Sshd
) -> None:
    command = options_of(target).command
    direct = subprocess.run([*command, "dcmi", "power", "reading"], capture_output=True, check=True)
    source = driver.source(target)
    reading = await source.read()
    assert reading.watts == float(direct.stdout.split()[3]) == 344
    assert reading.source == "dcmi"
    assert reading.statistics is not None
    assert reading.statistics.average_watts == 345
    await source.read()
    assert peer.logins() == 1
    await source.close()


async def test_a_bmc_without_dcmi_gives_the_sum_of_the_sensors_named(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim
) -> None:
    bmc.bmcs[0].set_power(0, code=NO_SUCH_COMMAND)
    source = driver.source(with_options(target, sensors=("PSU1 PIN", "PSU2 PIN")))
    for _ in range(2):
        reading = await source.read()
        assert (reading.watts, reading.source) == (344 + 320, "sensor:PSU1 PIN+PSU2 PIN")
    await source.close()


@pytest.mark.parametrize(("state", "watts"), [(0, 344), (0x40, 0)])
async def test_a_measurement_that_is_off_or_0_is_not_a_reading(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, state: int, watts: int
) -> None:
    bmc.bmcs[0].set_power(watts, state=state)
    reason, message = await reason_of(driver, target)
    assert reason is Reason.NO_POWER_SENSOR
    assert "ipmiSsh.sensors" in message


@pytest.mark.parametrize("code", [0xC0, 0xC3, 0xCB, 0xD3, 0xD4, 0xD5, 0xFF, 0x80])
async def test_where_dcmi_says_no_the_named_sensor_is_read(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, code: int
) -> None:
    source = driver.source(with_options(target, sensors=("PSU2 PIN",)))
    bmc.bmcs[0].set_power(0, code=code)
    assert (await source.read()).watts == 320
    bmc.bmcs[0].set_power(500)
    assert (await source.read()).watts == 500
    await source.close()


async def test_a_busy_bmc_is_said_to_be_busy(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim
) -> None:
    bmc.bmcs[0].set_power(0, code=0xC0)
    reason, message = await reason_of(driver, target)
    assert reason is Reason.SENSOR_UNREADABLE
    assert "busy (code C0h)" in message


@pytest.mark.parametrize(("watts", "state"), [(0xFFFF, 0x40), (0, 0x40), (9, 0)])
async def test_an_answer_without_a_measurement_is_no_reading(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, watts: int, state: int
) -> None:
    bmc.bmcs[0].set_power(watts, state)
    assert (await reason_of(driver, target))[0] in (
        Reason.SENSOR_UNREADABLE,
        Reason.NO_POWER_SENSOR,
    )


@pytest.mark.parametrize(
    ("code", "options"),
    [
        (0xC1, {}),
        (0xD3, {}),
        (0, {}),
        (0xC1, {"sensors": ("PSU3 PIN",)}),
        (0, {"dcmi": False, "sensors": ("PSU3 PIN",)}),
    ],
)
async def test_a_machine_without_watts_that_is_off_is_powered_off(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, code: int, options: dict[str, Any]
) -> None:
    bmc.bmcs[0].set_power(0, code=code, chassis_on=False)
    assert (await reason_of(driver, with_options(target, **options)))[0] is Reason.POWERED_OFF
    bmc.bmcs[0].set_power(0, code=code)
    assert (await reason_of(driver, with_options(target, **options)))[0] is not Reason.POWERED_OFF


@pytest.mark.parametrize("options", [{}, {"dcmi": False, "sensors": ("PSU2 PIN",)}])
async def test_watts_that_a_bmc_repeats_of_a_machine_that_is_off_are_no_reading(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, options: dict[str, Any]
) -> None:
    source = driver.source(with_options(target, **options))
    bmc.bmcs[0].set_power(320)
    assert (await source.read()).watts == 320
    bmc.bmcs[0].set_power(320, chassis_on=False)
    for _ in range(2):
        with pytest.raises(ReadError) as caught:
            await source.read()
        assert caught.value.reason is Reason.POWERED_OFF
    bmc.bmcs[0].set_power(320)
    assert (await source.read()).watts == 320
    await source.close()


async def test_sensors_of_a_machine_that_is_off_are_not_read_instead_of_dcmi(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim
) -> None:
    source = driver.source(with_options(target, sensors=("PSU2 PIN",)))
    bmc.bmcs[0].set_power(310)
    assert (await source.read()).watts == 310
    bmc.bmcs[0].set_power(0, state=0, chassis_on=False)  # the sensor keeps 320 W
    with pytest.raises(ReadError) as caught:
        await source.read()
    assert caught.value.reason is Reason.POWERED_OFF
    await source.close()


async def test_the_power_state_is_read_with_every_tenth_of_watts_that_change(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    script = f'echo "$*" >> {calls}; exec "$@"'
    command = ("sh", "-c", script, "sh", *options_of(target).command)
    source = driver.source(with_options(target, command=command))
    bmc.bmcs[0].set_power(300, step=1)
    assert [(await source.read()).watts for _ in range(12)] == [300, 301] * 6
    await source.close()
    assert calls.read_text().count("chassis power status") == 2


@pytest.mark.parametrize("answer", ["exit 1", "echo garbage", "kill -9 $$"])
async def test_watts_of_a_machine_whose_power_state_is_unknown_are_a_reading(
    driver: IpmiSshDriver, target: Target, answer: str
) -> None:
    script = f'case "$*" in *chassis*) {answer};; *) exec "$@";; esac'
    command = ("sh", "-c", script, "sh", *options_of(target).command)
    source = driver.source(with_options(target, command=command))
    for _ in range(2):
        assert (await source.read()).watts == 344
    await source.close()


@pytest.mark.parametrize("answer", ["exit 1", "exec sleep 60"])
async def test_a_bmc_silent_to_dcmi_alone_is_read_by_its_sensors_without_more_of_dcmi(
    driver: IpmiSshDriver, target: Target, tmp_path: Path, answer: str
) -> None:
    calls = tmp_path / "calls"
    script = f'case "$*" in *"dcmi power"*) echo >> {calls}; {answer};; *) exec "$@";; esac'
    command = ("sh", "-c", script, "sh", *options_of(target).command)
    source = driver.source(with_options(target, command=command, sensors=("PSU2 PIN",)))
    for _ in range(2):
        assert (await source.read()).watts == 320
    await source.close()
    assert calls.read_text() == "\n"


async def test_a_bmc_silent_to_dcmi_alone_says_so_where_no_sensor_is_named(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim
) -> None:
    script = 'case "$*" in *"dcmi power"*) exit 1;; *) exec "$@";; esac'
    silent = with_options(target, command=("sh", "-c", script, "sh", *options_of(target).command))
    reason, message = await reason_of(driver, silent)
    assert reason is Reason.COMMAND_FAILED
    assert "answers other commands: name ipmiSsh.sensors" in message
    bmc.bmcs[0].set_power(0, chassis_on=False)
    assert (await reason_of(driver, silent))[0] is Reason.POWERED_OFF


async def test_a_bmc_silent_to_all_says_nothing_of_other_commands(
    driver: IpmiSshDriver, target: Target
) -> None:
    reason, message = await reason_of(driver, with_options(target, command=("sh", "-c", "exit 1")))
    assert reason is Reason.COMMAND_FAILED
    assert "other commands" not in message


async def test_a_bmc_silent_to_all_is_a_failed_command(
    driver: IpmiSshDriver, target: Target
) -> None:
    silent = with_options(target, command=("sh", "-c", "exit 1"), sensors=("PSU2 PIN",))
    assert (await reason_of(driver, silent))[0] is Reason.COMMAND_FAILED


async def test_namesakes_are_summed_as_over_the_network(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim, tmp_path: Path
) -> None:
    end = bmc.bmcs[0]
    for command in end.sensor_commands(5, SENSORS[4]):
        if command.startswith("main_sdr_add"):  # once more, of a sensor that is there
            bmc.say(command)
    ask = Asker(end.address, end.port, USERNAME, PASSWORD)
    await eventually(lambda: ask.ipmitool("sdr", "list").count("PSU Input") == 3)
    source = driver.source(with_options(target, dcmi=False, sensors=("PSU Input",)))
    through_ssh = await source.read()
    await source.close()
    async with driven(tmp_path / "ipmi") as made:
        direct = await made.source(end, dcmi=False, sensors=("PSU Input",)).read()
    assert through_ssh.watts == direct.watts == 344 + 248
    assert through_ssh.members == direct.members == Members(2, 2)


async def test_dcmi_switched_off_in_the_document_reads_sensors(
    driver: IpmiSshDriver, target: Target
) -> None:
    source = driver.source(with_options(target, dcmi=False, sensors=("PSU2 PIN",)))
    assert (await source.read()).watts == 320
    await source.close()


@pytest.mark.parametrize(
    ("sensor", "reason"),
    [
        ("PSU9 PIN", Reason.NO_POWER_SENSOR),
        ("Inlet Temp", Reason.NO_POWER_SENSOR),
        ("PSU3 PIN", Reason.SENSOR_UNREADABLE),
    ],
)
async def test_a_sensor_without_watts_has_a_reason(
    driver: IpmiSshDriver, target: Target, sensor: str, reason: Reason
) -> None:
    bad = with_options(target, dcmi=False, sensors=("PSU1 PIN", sensor))
    assert (await reason_of(driver, bad))[0] is reason


async def test_an_account_without_privilege_says_so(
    driver: IpmiSshDriver, target: Target, bmc: IpmiSim
) -> None:
    bmc.bmcs[0].set_power(0, code=0xD4)
    assert (await reason_of(driver, target))[0] is Reason.PRIVILEGE_INSUFFICIENT


async def test_a_host_without_a_bmc_is_command_failed_in_ipmitools_words(
    driver: IpmiSshDriver, target: Target
) -> None:
    reason, message = await reason_of(driver, with_options(target, command=("ipmitool",)))
    assert reason is Reason.COMMAND_FAILED
    assert "Could not open device" in message


async def test_ipmitool_that_is_not_there_is_command_failed(
    driver: IpmiSshDriver, target: Target
) -> None:
    reason, message = await reason_of(driver, with_options(target, command=("no-ipmitool",)))
    assert reason is Reason.COMMAND_FAILED
    assert "no-ipmitool" in message


MAY_SUDO = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not MAY_SUDO, reason="sudo wants a password of this user")
async def test_ipmitool_is_run_by_sudo_where_the_document_says_so(
    driver: IpmiSshDriver, target: Target
) -> None:
    source = driver.source(with_options(target, sudo=True))
    assert (await source.read()).source == "dcmi"
    await source.close()


async def test_sudo_that_may_not_run_it_is_command_failed(
    driver: IpmiSshDriver, target: Target
) -> None:
    refused = with_options(target, sudo=True, command=("-u", "no-such-user", "ipmitool"))
    reason, message = await reason_of(driver, refused)
    assert reason is Reason.COMMAND_FAILED
    assert "sudo" in message


async def test_a_changed_host_key_is_host_key_failed(
    driver: IpmiSshDriver, target: Target, peer: Sshd, tmp_path: Path
) -> None:
    known = another_host_key(peer, tmp_path)
    (tmp_path / "secrets/ssh/known_hosts").write_bytes(known.read_bytes())
    assert (await reason_of(driver, target))[0] is Reason.HOST_KEY_FAILED


async def test_a_key_that_is_not_mounted_is_credentials_missing(
    driver: IpmiSshDriver, target: Target, tmp_path: Path
) -> None:
    (tmp_path / "secrets/ssh/ssh-privatekey").unlink()
    reason, message = await reason_of(driver, target)
    assert reason is Reason.CREDENTIALS_MISSING
    assert "ssh-privatekey" in message


async def test_nothing_is_left_when_the_driver_closes(secrets: Secrets, target: Target) -> None:
    driver = IpmiSshDriver(secrets)
    source = driver.source(target)
    await source.read()
    control = driver._control
    assert control.stat().st_mode & 0o777 == 0o700
    await source.close()
    await driver.close()
    assert not control.exists()
