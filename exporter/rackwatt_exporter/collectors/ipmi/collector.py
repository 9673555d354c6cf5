"""The collector `ipmi`: the node's own BMC, through the kernel's device or a program.

A BMC answers with its measurement switched off, with 0 W and with all bits set: each is a reason,
never watts. Whatever hangs, hangs in a child process.
"""

import os
import time
from collections.abc import Callable, Sequence

from rackwatt_crds.node.ipmi import NodeIpmi
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.bmc_statistics import FAMILIES as FAMILIES
from rackwatt_exporter.collectors.bmc_statistics import plausible, statistics_samples
from rackwatt_exporter.collectors.ipmi.programs import PowerProgram, installed_program
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi.dcmi import PowerReading
from rackwatt_exporter.protocols.ipmi.local_bmc import WORKER, LocalBmc, device_paths
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, ReadError, Reason

ZONE = "dcmi"
RETRY_S = 600.0
_COMMAND = "DCMI Get Power Reading"
_NO_DCMI = (
    "Enable power measurement at the BMC. Where it has none but sensors, set `ipmi.command` to a "
    "program that prints their watts, or use `redfish`."
)
_NO_DEVICE = "load the kernel's ipmi_si and ipmi_devintf, or install ipmitool"
_MAY_NOT_OPEN = "run the exporter as uid 0; a pod has to be privileged as well (docs/node.md)"


class IpmiCollector:
    """One machine's BMC."""

    def __init__(
        self,
        host: HostPaths,
        settings: NodeIpmi | None,
        secrets: Secrets,
        worker: Sequence[str] = WORKER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        del secrets
        self._clock = clock
        self._failed: str | None = None
        self._retry_at_s = 0.0
        settings = settings or NodeIpmi()
        self._mode = settings.mode or ("command" if settings.command else "auto")
        self._own = PowerProgram(settings.command) if settings.command else None
        self._paths = device_paths(host.devfs, settings.device or 0)
        self._bmc = LocalBmc(self._paths, worker)

    async def read(self) -> CollectorResult:
        """Read watts and the BMC's statistics.

        Raises:
            ReadError: absent or permission_denied, where there is no device to open and no program
                to run; no_power_sensor, where the BMC has no DCMI or does not measure; bad_reply,
                implausible, sensor_unreadable, timeout, command_failed.
        """
        try:
            power, where = await self._power()
            watts = plausible(power.measured(where), power.statistics, where)
        except ReadError as error:
            if error.reason is not Reason.NO_POWER_SENSOR:
                raise
            raise ReadError(error.reason, str(error), remedy=_NO_DCMI) from None
        samples = tuple(statistics_samples("ipmi", power.statistics))
        return CollectorResult(samples, powers=(DomainPower(WHOLE_NODE, ZONE, watts),))

    async def close(self) -> None:
        """End the child that has the device."""
        await self._bmc.close()

    async def _power(self) -> tuple[PowerReading, str]:
        """Read in the way of the mode; return the words for where the watts are from as well."""
        if self._mode == "native" or (self._mode == "auto" and self._may_open()):
            return await self._native(), _COMMAND
        program = self._own or installed_program()
        if program is None:
            raise self._nothing()
        if self._mode == "auto" and not any(path.exists() for path in self._paths):
            return await self._without_device(program), program.name
        return await program.read(), program.name

    async def _without_device(self, program: PowerProgram) -> PowerReading:
        """Run a program on a machine without the device: FreeIPMI and capmc need none.

        The others fail for the lack of it, and are not run again for ten minutes.
        """
        if self._failed is not None and self._clock() < self._retry_at_s:
            raise ReadError(Reason.ABSENT, self._failed)
        try:
            return await program.read()
        except ReadError as error:
            if error.reason is not Reason.COMMAND_FAILED:
                raise
            self._failed = f"there is no {self._paths[0]}; {error}"
            self._retry_at_s = self._clock() + RETRY_S
            raise ReadError(Reason.ABSENT, self._failed) from None

    async def _native(self) -> PowerReading:
        try:
            data = await self._bmc.command(_COMMAND, dcmi.GET_POWER_READING, dcmi.REQUEST)
        except ReadError as error:
            advice = {Reason.ABSENT: _NO_DEVICE, Reason.PERMISSION_DENIED: _MAY_NOT_OPEN}
            if error.reason not in advice:
                raise
            raise ReadError(error.reason, f"{error}: {advice[error.reason]}") from None
        return dcmi.parse_power_reading(data)

    def _may_open(self) -> bool:
        return any(os.access(path, os.R_OK | os.W_OK) for path in self._paths)

    def _nothing(self) -> ReadError:
        """Return the error of a machine with neither a device that may be opened nor a program."""
        path = next((each for each in self._paths if each.exists()), None)
        programs = "no program is installed that reads a BMC"
        if path is not None and self._mode == "auto":
            message = f"{path} may not be opened, and {programs}: {_MAY_NOT_OPEN}"
            return ReadError(Reason.PERMISSION_DENIED, message)
        device = f"there is no {self._paths[0]}, and " if self._mode == "auto" else ""
        return ReadError(Reason.ABSENT, f"{device}{programs}: {_NO_DEVICE}")
