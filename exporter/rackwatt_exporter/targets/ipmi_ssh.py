"""IPMI in-band: the host's own ipmitool, run through ssh.

For BMCs without a network. DCMI first, then the named sensors, as over LAN. The host may be a jump
host, whose ipmitool reads the BMC of another machine: that one may be off.
"""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from rackwatt_exporter.config.options import IpmiSshOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.protocols.command.ssh import SshHost
from rackwatt_exporter.protocols.ipmi import ipmitool
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.power_text import parse_power_lines
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.ipmi.dcmi_absence import DcmiAbsence
from rackwatt_exporter.targets.membership import Membership
from rackwatt_exporter.targets.power_state import PowerStateMonitor

_OF_THE_BMC = (
    Reason.NO_POWER_SENSOR,
    Reason.SENSOR_UNREADABLE,
    Reason.MEMBER_MISSING,
    Reason.PRIVILEGE_INSUFFICIENT,
    Reason.BAD_REPLY,
)

_INSTEAD_OF_DCMI = "name ipmiSsh.sensors, with ipmiSsh.dcmi: false"
_SILENT_REMEDY = (
    "Name the sensors that have its power in `ipmiSsh.sensors`, with `ipmiSsh.dcmi: false`; or try "
    "another `method`."
)
_SHARE_OF_DCMI = 0.4  # of the time of a reading


class IpmiSshDriver:
    """Resources of all sources: a private directory for the sockets of ssh logins."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._control = Path(tempfile.mkdtemp(prefix="rackwatt-"))

    def source(self, target: Target) -> Source:
        """Make the source of a target."""
        options = target.options
        assert isinstance(options, IpmiSshOptions)  # noqa: S101 - the registry pairs them
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
    """One host and its BMC."""

    def __init__(self, host: SshHost, options: IpmiSshOptions, timeout_s: float) -> None:
        self._host = host
        self._options = options
        self._timeout_s = timeout_s
        self._command = (*(("sudo", "-n") if options.sudo else ()), *options.command)
        self._dcmi_absence = DcmiAbsence()
        self._membership = Membership()
        self._power_state = PowerStateMonitor()

    @property
    def session(self) -> str:
        """The kept ssh login, while it is open."""
        return "ssh login" if self._host.logged_in else ""

    async def read(self) -> Reading:
        """Read the power; without watts, or with doubtful ones, check whether the machine is off.

        Raises:
            ReadError: with the reason; no_power_sensor where DCMI has none and no sensor is named.
        """
        try:
            reading = await self._read_watts()
        except ReadError as error:
            if error.reason in _OF_THE_BMC:
                await self._raise_if_powered_off()
            raise
        if self._power_state.needs_check(reading.watts):
            await self._raise_if_powered_off()
            self._power_state.confirmed_on(reading.watts)
        return reading

    async def close(self) -> None:
        """End the login."""
        await self._host.close()

    async def _read_watts(self) -> Reading:
        if not self._options.sensors:
            return await self._read_dcmi_only()
        if self._options.dcmi and not self._dcmi_absence.assumed:
            try:
                return await self._read_dcmi()
            except CommandError:
                if not await self._answers() or not self._dcmi_absence.silent():
                    raise
            except ReadError as error:
                if error.reason not in _OF_THE_BMC:
                    raise
                if not isinstance(error, CompletionError):  # sensors may keep an old value
                    await self._raise_if_powered_off()
                self._dcmi_absence.failed(error)
        return await self._read_sensors()

    async def _read_dcmi_only(self) -> Reading:
        try:
            return await self._read_dcmi()
        except CommandError as error:
            if error.reason is Reason.TIMEOUT or not await self._answers():  # no time is left
                raise
            text = f"{error}, where the BMC answers other commands: {_INSTEAD_OF_DCMI}"
            raise ReadError(error.reason, text, remedy=_SILENT_REMEDY) from None
        except ReadError as error:
            if error.reason not in _OF_THE_BMC:
                raise
            text = f"{error}, and no sensors are named to read instead (ipmiSsh.sensors)"
            raise ReadError(error.reason, text, remedy=error.remedy) from None

    async def _read_dcmi(self) -> Reading:
        # Where sensors are named, time is left for them: some BMCs are silent to DCMI alone.
        timeout_s = self._timeout_s * (_SHARE_OF_DCMI if self._options.sensors else 1)
        try:
            output = await self._ipmitool(*ipmitool.DCMI_POWER_READING, timeout_s=timeout_s)
        except CommandError as error:
            code = ipmitool.completion_code(error.stderr)
            if code is None:
                raise
            raise CompletionError("ipmitool dcmi power reading", code) from None
        power = parse_power_lines(output.decode("utf-8", "replace"))
        self._dcmi_absence.succeeded()
        watts = power.measured("ipmitool dcmi power reading")
        return Reading(watts, "dcmi", statistics=power.statistics)

    async def _read_sensors(self) -> Reading:
        names = self._options.sensors
        listed = ipmitool.parse_sensors(await self._ipmitool(*ipmitool.SENSORS))
        sensors = ipmitool.sensors_in_watts(listed, names)
        watts = ipmitool.sum_watts(sensors)
        members = self._membership.check(sensor.words for sensor in sensors)
        return Reading(watts, "sensor:" + "+".join(names), members=members)

    async def _raise_if_powered_off(self) -> None:
        """Check whether the machine is on; where that is unknown it is assumed to be.

        Raises:
            ReadError: powered_off.
        """
        await self._answers()

    async def _answers(self) -> bool:
        """Return whether the BMC gives its machine's power state.

        Raises:
            ReadError: powered_off.
        """
        try:
            output = await self._ipmitool(*ipmitool.CHASSIS_POWER)
        except ReadError:
            return False
        if ipmitool.says_powered_off(output):
            raise ReadError(Reason.POWERED_OFF, "the machine is switched off")
        return output.startswith(b"Chassis Power is")

    async def _ipmitool(self, *words: str, timeout_s: float | None = None) -> bytes:
        return await self._host.run((*self._command, *words), timeout_s or self._timeout_s)
