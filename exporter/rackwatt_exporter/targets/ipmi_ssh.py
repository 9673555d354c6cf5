"""IPMI from inside: the host's own ipmitool, run through ssh.

For BMCs that no network reaches. DCMI first, then the sensors named, as over the network.
"""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from rackwatt_exporter.protocols import dcmi, ipmitool
from rackwatt_exporter.protocols.child import CommandError
from rackwatt_exporter.protocols.ssh import SshHost
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.settings.options import IpmiSshOptions
from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.settings.target import Target
from rackwatt_exporter.targets.source import Source

INSUFFICIENT_PRIVILEGE = 0xD4


class IpmiSshDriver:
    """What all sources share: a private directory for the sockets of the kept logins."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._control = Path(tempfile.mkdtemp(prefix="rackwatt-"))

    def source(self, target: Target) -> Source:
        """Make the source of a target."""
        options = target.options
        assert isinstance(options, IpmiSshOptions)  # noqa: S101 - the catalogue pairs them
        key, known = options.key_secret, options.known_hosts_secret
        path = self._secrets.path
        host = SshHost(
            target.address,
            port=options.port,
            user=options.user,
            key_file=partial(path, key, "ssh-privatekey") if key else None,
            known_hosts=partial(path, known, "known_hosts") if known else None,
            control_directory=self._control,
        )
        return IpmiSshSource(host, options, target.reading_timeout_s)

    async def close(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self._control, ignore_errors=True)


class IpmiSshSource:
    """One host; a BMC found to have no DCMI is asked for it again only after an error."""

    def __init__(self, host: SshHost, options: IpmiSshOptions, timeout_s: float) -> None:
        self._host = host
        self._options = options
        self._timeout_s = timeout_s
        self._command = (*(("sudo", "-n") if options.sudo else ()), *options.command)
        self._without_dcmi = ""

    @property
    def session(self) -> str:
        """The ssh login that is kept, while it lives."""
        return "ssh login" if self._host.logged_in else ""

    async def read(self) -> Reading:
        """Read the power.

        Raises:
            ReadError: with the reason; no_power_sensor where DCMI has none and no sensor is named.
        """
        try:
            return await self._read()
        except ReadError:
            self._without_dcmi = ""
            raise

    async def close(self) -> None:
        """End the login."""
        await self._host.close()

    async def _read(self) -> Reading:
        why = "DCMI is switched off in the document"
        if self._options.dcmi:
            reading, why = await self._ask_dcmi()
            if reading is not None:
                return reading
        names = self._options.sensors
        if not names:
            told = f"{why}, and no sensors are named (ipmiSsh.sensors)"
            raise ReadError(Reason.NO_POWER_SENSOR, told)
        output = await self._ipmitool(*ipmitool.SENSORS)
        watts = ipmitool.sum_watts(ipmitool.parse_sensors(output), names)
        return Reading(watts, "sensor:" + "+".join(names))

    async def _ask_dcmi(self) -> tuple[Reading | None, str]:
        """Give the reading, or None and why DCMI has none."""
        if self._without_dcmi:
            return None, self._without_dcmi
        try:
            output = await self._ipmitool(*ipmitool.DCMI_POWER_READING)
        except CommandError as error:
            code, why = _why_not_there(error)
            if code != dcmi.NOT_NOW:
                self._without_dcmi = why
            return None, why
        power = ipmitool.parse_power_reading(output)
        if power.measuring and power.watts:
            return Reading(float(power.watts), "dcmi", statistics=power.statistics), ""
        return None, "DCMI says 0 W" if power.measuring else "DCMI says it is not measuring"

    async def _ipmitool(self, *words: str) -> bytes:
        return await self._host.run((*self._command, *words), self._timeout_s)


def _why_not_there(error: CommandError) -> tuple[int, str]:
    """Tell code and why a BMC has no DCMI power reading, where that is what the failure means."""
    code = ipmitool.completion_code(error.said)
    if code == INSUFFICIENT_PRIVILEGE:
        told = "the BMC does not let this account read DCMI power (code D4h)"
        raise ReadError(Reason.PRIVILEGE_INSUFFICIENT, told) from None
    if code is None or (code not in dcmi.NOT_THERE and code != dcmi.NOT_NOW):
        raise error
    return code, f"the BMC has no DCMI power reading (code {code:02X}h)"
