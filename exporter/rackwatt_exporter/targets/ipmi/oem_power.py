"""Watts of one BMC through pyghmi: by its vendor's module or command, DCMI, or named sensors.

pyghmi's own functions leave out what a reading has to say: the state of DCMI, the second sensor of
one name, the owner of a sensor.
"""

from contextlib import suppress
from typing import Any

from pyghmi.exceptions import IpmiException
from pyghmi.ipmi.command import Command
from pyghmi.ipmi.oem.generic import OEMHandler

from rackwatt_exporter.plausibility import DCMI_NO_VALUE, measured
from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.power_commands import LACKING, PowerCommand
from rackwatt_exporter.reading import ReadError, Reason, Statistics


def sum_of_sensors(names: tuple[str, ...], command: Command) -> float:
    """Add up the sensors of these names, in watts.

    Raises:
        ReadError: no_power_sensor, sensor_unreadable.
        IpmiException: as the commands.
    """
    watts = sum(_sensor_watts(command, name) for name in names)
    if watts <= 0:
        raise ReadError(Reason.SENSOR_UNREADABLE, "the named sensors read 0 W")
    return watts


def vendor_watts(command: Command) -> float | None:
    """Read through pyghmi's module of the vendor; None where it has no command of its own.

    Raises:
        ReadError: as `measured`; no_power_sensor for 0 W.
        IpmiException: as the command.
    """
    command.oem_init()
    own = type(command._oem).get_system_power_watts
    if own is OEMHandler.get_system_power_watts:
        return None
    watts = measured(float(command.get_system_power_watts()), "the vendor module's power")
    if watts == 0:
        raise ReadError(Reason.NO_POWER_SENSOR, "the vendor module reports 0 W")
    return watts


def manufacturer_of(command: Command) -> int:
    """Return the manufacturer's number in Get Device ID (IPMI v2.0 section 20.1).

    Raises:
        IpmiException: as the command.
    """
    number = command._get_device_id()["manufacturer_id"]
    assert isinstance(number, int)  # noqa: S101 - pyghmi has no types
    return number


def command_watts(power: PowerCommand, command: Command) -> float | None:
    """Send a vendor's own command for watts; None where this BMC does not have it.

    Raises:
        ReadError: as `PowerCommand.watts`.
        IpmiException: as the command, with another code than those for its lack.
    """
    try:
        answer = command.xraw_command(power.netfn, power.command)
    except IpmiException as error:
        if error.ipmicode not in LACKING:
            raise
        return None
    return power.watts(bytes(answer["data"]))


def dcmi_power(command: Command) -> tuple[float, Statistics | None]:
    """Read DCMI and its state, which pyghmi itself ignores.

    Raises:
        ReadError: no_power_sensor, sensor_unreadable, bad_reply.
        IpmiException: as the command.
    """
    answer = command.xraw_command(*dcmi.GET_POWER_READING, data=dcmi.REQUEST)
    power = dcmi.parse_power_reading(bytes(answer["data"]))
    if not (power.measuring and power.watts):
        raise ReadError(
            Reason.NO_POWER_SENSOR,
            "DCMI is not measuring, or reports 0 W; name sensors",
            remedy=dcmi.NOT_MEASURED_REMEDY,
        )
    watts = measured(float(power.watts), "DCMI Get Power Reading", DCMI_NO_VALUE)
    return watts, power.statistics


def _sensor_watts(command: Command, name: str) -> float:
    """Add up all the sensors of a name: pyghmi itself reads the first one."""
    command.init_sdr()
    known = command._sdr
    named = [
        sensor
        for number in known.get_sensor_numbers()
        if (sensor := known.sensors[number]).name == name
    ]
    if not named:
        return _watts(name, _vendor_reading(command, name))
    return sum(_watts(name, _reading(command, sensor)) for sensor in named)


def _reading(command: Command, sensor: Any) -> Any:
    if sensor.sensor_owner != message.BMC_ADDRESS:  # the BMC would read its own of that number
        text = f"sensor {sensor.name!r} is of a controller behind the BMC (owner"
        text += f" {sensor.sensor_owner:02X}h): bridging is not supported"
        raise ReadError(Reason.SENSOR_UNREADABLE, text)
    answer = command.xraw_command(
        message.NETFN_SENSOR, 0x2D, data=(sensor.sensor_number,), rslun=sensor.sensor_lun
    )
    return sensor.decode_sensor_reading(command, bytearray(answer["data"]))


def _vendor_reading(command: Command, name: str) -> Any:
    try:
        return command.get_sensor_reading(name)
    except IpmiException:
        raise
    except Exception as error:
        if "not found" not in str(error):
            raise
        raise ReadError(Reason.NO_POWER_SENSOR, f"no sensor is named {name!r}") from None


def _watts(name: str, reading: Any) -> float:
    if reading.unavailable or reading.value is None:
        raise ReadError(Reason.SENSOR_UNREADABLE, f"sensor {name!r} has no reading now")
    if reading.units != "W":
        text = f"sensor {name!r} is not in watts ({reading.units or 'no unit'})"
        raise ReadError(Reason.NO_POWER_SENSOR, text)
    return measured(float(reading.value), f"sensor {name!r}")


def raise_if_powered_off(command: Command) -> None:
    """Check whether the machine is on; without a response it is assumed to be.

    Raises:
        ReadError: powered_off.
    """
    with suppress(IpmiException):
        if command.get_power()["powerstate"] == "off":
            raise ReadError(Reason.POWERED_OFF, "the machine is switched off")
