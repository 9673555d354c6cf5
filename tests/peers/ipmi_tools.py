"""The oracles of IPMI: ipmitool, freeipmi's ipmi-dcmi and pyghmi, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.eventually import PATIENCE_S

_PYGHMI = """
import json, os, sys
from pyghmi.ipmi.command import Command
address, port, user, names = json.loads(sys.argv[1])
bmc = Command(address, user, os.environ["ORACLE_PASSWORD"], port, privlevel=4)
answer = {"watts": bmc.get_system_power_watts()}
for name in names:
    reading = bmc.get_sensor_reading(name)
    answer[name] = [reading.value, reading.units]
print(json.dumps(answer))
os._exit(0)
"""


@dataclass(frozen=True)
class Asker:
    """Who asks a BMC, and how."""

    address: str
    port: int
    username: str
    password: str
    suite: int = 3
    level: str = "administrator"
    kg: str = ""

    def ipmitool(self, *command: str) -> str:
        """Run ipmitool and give what it prints."""
        return _run(
            ["ipmitool", "-I", "lanplus", "-C", str(self.suite), "-L", self.level, "-E",
             *(("-k", self.kg) if self.kg else ()),
             "-H", self.address, "-p", str(self.port), "-U", self.username, *command],
            {"IPMI_PASSWORD": self.password},
        )  # fmt: skip

    def ipmitool_watts(self) -> int:
        """Read DCMI by ipmitool."""
        return _number(
            r"Instantaneous power reading: +(\d+)", self.ipmitool("dcmi", "power", "reading")
        )

    def ipmitool_sensor(self, name: str) -> float:
        """Read a sensor by ipmitool."""
        return float(self.ipmitool("-c", "sensor", "reading", name).rsplit(",", 1)[1])

    def freeipmi_watts(self, workaround: str = "opensesspriv") -> int:
        """Read DCMI by freeipmi's ipmi-dcmi, which names no privilege without the workaround."""
        said = _run(
            ["ipmi-dcmi", "-D", "LAN_2_0", "-h", f"{self.address}:{self.port}", "-I",
             str(self.suite), "-u", self.username, "-p", self.password, "-l", self.level[:5].upper(),
             "-W", workaround, "--get-system-power-statistics"]
        )  # fmt: skip
        return _number(r"Current Power +: (\d+)", said)

    def pyghmi(self, *sensors: str) -> dict[str, Any]:
        """Read `watts` by DCMI, and each sensor with its unit, by pyghmi."""
        question = json.dumps([self.address, self.port, self.username, sensors])
        said = _run([sys.executable, "-c", _PYGHMI, question], {"ORACLE_PASSWORD": self.password})
        answer: dict[str, Any] = json.loads(said)
        return answer


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    assert found, text
    return int(found[1])


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    environment = {**os.environ, "PATH": path, **(environment or {})}
    ran = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout
