"""OpenIPMI's ipmi_sim: real BMCs that speak RMCP+ at cipher suite 3, up to a hundred in a process.

DCMI and the chassis come from a small module compiled here. Suite 17 it refuses; it keeps at most 63
sessions in a process. It lets any user be admin, but holds a session to the privilege it was opened
for.
"""

import atexit
import functools
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.eventually import PATIENCE_S
from tests.peers.ports import free_port

USERNAME, PASSWORD = "root", "calvin00"
MEASURING = 0x40

LAN_OF_A_BMC = """
set_working_mc 0x{ipmb:02x}
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa1234567800000{ipmb:02x}
    {key}
  endlan
  user 2 true "root" "calvin00" admin 20 none md2 md5 straight
  user 3 true "watcher" "looks-only" user 20 none md2 md5 straight
"""

PING = bytes.fromhex("0600ff06000011be80000000")


@dataclass(frozen=True)
class SimSensor:
    """An analog sensor and its full sensor record (IPMI table 43-1); unit 6 is W, 4 V, 1 °C."""

    name: str
    raw: int = 0
    unit: int = 6
    m: int = 1
    b: int = 0
    exponents: tuple[int, int] = (0, 0)  # of b, of the result
    linearization: int = 0
    analog_format: int = 0
    scanning: bool = True
    there: bool = True  # False: the record is there, the sensor is not
    owner: int = 0x20  # the BMC itself
    number: int | None = None  # of the record, where it is not the sensor's own

    def record(self, number: int) -> bytes:
        """Build the sensor data record."""
        name = self.name.encode("latin-1")
        shown = number if self.number is None else self.number
        units = bytes((self.analog_format << 6, self.unit, 0, self.linearization))
        m, b = self.m & 0x3FF, self.b & 0x3FF
        exponents = (self.exponents[1] & 15) << 4 | self.exponents[0] & 15
        factors = bytes((m & 255, m >> 2 & 0xC0, b & 255, b >> 2 & 0xC0, 0, exponents))
        head = bytes((self.owner, 0, shown, 10, number, 0x7F, 0x68, 0x0B, 1)) + bytes(6)
        body = head + units + factors + bytes((0, 0, 0, 0, 255, 0)) + bytes(11)
        body += bytes((0xC0 | len(name),)) + name
        return bytes((number, 0, 0x51, 1, len(body))) + body


@dataclass
class Bmc:
    """One simulated BMC: where it is, and what it has."""

    address: str
    port: int
    ipmb: int
    power: Path
    sensors: Sequence[SimSensor] = field(default_factory=list)
    kg: str = ""  # without blanks

    def set_power(
        self,
        watts: int,
        state: int = MEASURING,
        code: int = 0,
        chassis_on: bool = True,
        step: int = 0,
    ) -> None:
        """Set what DCMI Get Power Reading and Get Chassis Status answer from now on.

        Every second reading has `step` watts more.
        """
        fresh = self.power.with_suffix(f".{self.ipmb:02x}.new")
        fresh.write_text(f"{watts} {state} {code} {int(chassis_on)} {step}")
        fresh.rename(self.power)

    def lan(self) -> str:
        """Return its block of lan.conf."""
        key = f'bmc_key "{self.kg}"' if self.kg else ""
        return LAN_OF_A_BMC.format(ipmb=self.ipmb, address=self.address, port=self.port, key=key)

    def commands(self) -> Iterator[str]:
        """Return the commands that make it."""
        mc = f"0x{self.ipmb:02x}"
        yield f"mc_add {mc} 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02"
        for number, sensor in enumerate(self.sensors, 1):
            yield from self.sensor_commands(number, sensor)
        yield f"mc_enable {mc}"

    def sensor_commands(self, number: int, sensor: SimSensor) -> Iterator[str]:
        """Return the commands that add a sensor and its record."""
        mc = f"0x{self.ipmb:02x}"
        if sensor.there:
            scanning = "scanning" if sensor.scanning else "no-scanning"
            yield f"sensor_add {mc} 0 {number} 0x0b 0x01"
            yield f"sensor_set_value {mc} 0 {number} {sensor.raw} 0"
            yield (
                f"sensor_set_event_support {mc} 0 {number} enable {scanning} per-state"
                + f" {'0' * 15}" * 4
            )
        record = " ".join(f"0x{byte:02x}" for byte in sensor.record(number))
        yield f"main_sdr_add {mc} {record}"


class IpmiSim:
    """A process with one or more BMCs, which can be stopped and started again."""

    def __init__(self, directory: Path, fleet: Sequence[Sequence[SimSensor]], kg: str = "") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._starts = 0
        block = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}"
        port = free_port()
        self.bmcs = [
            Bmc(
                f"{block}.{i + 1}",
                port,
                0x20 + 2 * i,
                directory / f"power.{0x20 + 2 * i:02x}",
                s,
                kg,
            )
            for i, s in enumerate(fleet)
        ]
        for bmc in self.bmcs:
            bmc.set_power(300)
        self._process: subprocess.Popen[bytes] | None = None
        _write_configuration(directory, self.bmcs)

    def start(self) -> None:
        """Start the process, and wait until its last BMC answers a presence ping."""
        self._starts += 1
        state = self._directory / f"state{self._starts}"
        (state / "ipmi_sim" / "sim").mkdir(parents=True)
        files = ["-c", "lan.conf", "-f", "sim.emu", "-s", str(state)]
        with (self._directory / "ipmi_sim.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("ipmi_sim"), *files],
                cwd=self._directory,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        for bmc in (self.bmcs[0], self.bmcs[-1]):
            self._wait_for(bmc)

    def stop(self) -> None:
        """Kill the process: sessions and all are gone, nothing is said to anyone."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def set_sensor(self, bmc: Bmc, name: str, raw: int) -> None:
        """Set the raw value of a sensor from now on."""
        number = [sensor.name for sensor in bmc.sensors].index(name) + 1
        self.say(f"sensor_set_value 0x{bmc.ipmb:02x} 0 {number} {raw} 0")

    def say(self, command: str) -> None:
        """Send ipmi_sim a command on its console."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()

    def alive(self) -> bool:
        """Return whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def _wait_for(self, bmc: Bmc) -> None:
        deadline = time.monotonic() + PATIENCE_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.05)
            while time.monotonic() < deadline and self.alive():
                probe.sendto(PING, (bmc.address, bmc.port))
                try:
                    probe.recv(64)
                except TimeoutError:
                    continue
                return
        log = (self._directory / "ipmi_sim.log").read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"ipmi_sim did not start: {log[-2000:]}")


@contextmanager
def ipmi_sim(
    directory: Path, fleet: Sequence[Sequence[SimSensor]] = ((),), kg: str = ""
) -> Iterator[IpmiSim]:
    """Run ipmi_sim with a BMC for each list of sensors, all of one K_g, until the block ends."""
    sim = IpmiSim(directory, fleet, kg)
    try:
        sim.start()
        yield sim
    finally:
        sim.stop()


def _write_configuration(directory: Path, bmcs: Sequence[Bmc]) -> None:
    loading = f'loadlib "{_compiled_module()}" "{directory}"\n'
    (directory / "lan.conf").write_text(
        'name "sim"\n' + "".join(bmc.lan() for bmc in bmcs) + loading
    )
    lines = ["mc_setbmc 0x20", *(line for bmc in bmcs for line in bmc.commands())]
    (directory / "sim.emu").write_text("\n".join(lines) + "\n")


@functools.cache
def _compiled_module() -> Path:
    """Compile the DCMI module, once for each run of the tests."""
    directory = tempfile.mkdtemp(prefix="ipmi_sim")
    atexit.register(shutil.rmtree, directory)
    module = Path(directory) / "dcmi.so"
    source = Path(__file__).with_name("ipmi_sim_dcmi.c")
    compile_it = [_program("gcc"), "-O1", "-shared", "-fPIC", "-o", str(module), str(source)]
    subprocess.run(compile_it, check=True)
    return module


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: `make setup` as root installs it")
    return found
