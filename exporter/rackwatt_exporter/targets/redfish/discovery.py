"""The search for a machine's watts, which may be cut short at any request and goes on from there.

The first search may ask for much: it is made once. One that has found nothing is made again with
every try, and requests again only what was requested longest ago, not the whole tree.
"""

from collections.abc import Sequence

from rackwatt_exporter.config.options import RedfishOptions
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.json import Json, get, last_part, link
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.protocols.redfish.power import NotNamedError
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.chassis import MachineChassis, chassis_ids, find_machine
from rackwatt_exporter.targets.redfish.lookup import Looking, UnfinishedError
from rackwatt_exporter.targets.redfish.resources import (
    PowerResource,
    Seeker,
    enclosure,
    named,
    seekers,
)

FIRST_REQUESTS = 20  # most machines take fewer
LATER_REQUESTS = 4  # besides the machine's state, and the reading that failed
_IN_VAIN = (Reason.NO_POWER_SENSOR, Reason.MEMBER_MISSING)
_UNREADABLE = (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


class PowerDiscovery:
    """What is known so far of where one machine and its watts are."""

    def __init__(self, service: RedfishClient, options: RedfishOptions) -> None:
        self._service = service
        self._options = options
        self._looking = Looking(service)
        self._state: str | None = None
        self._in_vain = False  # a whole search has found no watts
        self._so_far = ""
        self._unfinished = False

    async def find(self) -> PowerResource:
        """Find the best place that has watts now, on a machine that is on.

        Where none has watts now, return the best of those that are there.

        Raises:
            UnfinishedError: the next try goes on; searching, until a whole search was in vain.
            ReadError: powered_off; no_power_sensor, or privilege_insufficient where that may be
                why; and as `RedfishService.get`.
        """
        self._looking.allow(LATER_REQUESTS if self._in_vain else FIRST_REQUESTS)
        if self._in_vain and not self._unfinished:
            self._looking.forget_oldest(LATER_REQUESTS)
        self._unfinished = False
        try:
            machine = await find_machine(self._looking.look, self._options.chassis)
            self._state = machine.state
            await self.refuse_powered_off()
            return await self._best(machine)
        except UnfinishedError as error:
            self._unfinished = True
            reason = Reason.NO_POWER_SENSOR if self._in_vain else Reason.SEARCHING
            raise UnfinishedError(reason, f"{error}{self._so_far}") from None
        except ReadError as error:
            if error.reason in _IN_VAIN:
                self._in_vain, self._so_far = True, f"; so far: {error}"
            raise

    def restart(self) -> None:
        """Search from the beginning next time."""
        self._looking.forget()
        self._in_vain, self._so_far = False, ""

    async def refuse_powered_off(self) -> None:
        """Ask whether the machine is on, where its BMC knows.

        Raises:
            ReadError: powered_off.
        """
        state = self._state
        if state and get(await self._service.get(state), "PowerState") == "Off":
            raise ReadError(Reason.POWERED_OFF, "the machine is switched off")

    async def _best(self, machine: MachineChassis) -> PowerResource:
        doubts: list[str] = []
        unreadable: PowerResource | None = None
        for seek in self._seekers(machine):
            place = None
            try:
                place = await seek(self._looking.look)
                if place and await place.read(self._looking.look):
                    self.restart()
                    return place
            except NotNamedError as doubt:
                doubts.append(str(doubt))
            except ReadError as error:
                if place is None or error.reason not in _UNREADABLE:
                    raise
                unreadable = unreadable or place
        if unreadable:
            self._in_vain = True
            return unreadable
        raise await self._nothing(machine.chassis, doubts)

    def _seekers(self, machine: MachineChassis) -> list[Seeker]:
        expands = self._service.expands
        around = [enclosure(each, machine.own) for each in machine.chassis]
        if self._options.sensors:
            return [named(around, self._options.sensors, expands=expands)]
        average = self._options.value == "average"
        return [seek for each in around for seek in seekers(each, average=average, expands=expands)]

    async def _nothing(self, chassis: Sequence[Json], doubts: Sequence[str]) -> ReadError:
        if self._looking.forbidden and not doubts:
            return self._looking.forbidden
        if self._options.value == "average":
            message = "the BMC keeps no mean of its watts: omit redfish.value, or set it to current"
            return ReadError(Reason.NO_POWER_SENSOR, message)
        looked_into = ", ".join(shown(last_part(link(each) or "")) for each in chassis)
        message = f"no watts of the whole machine are known in chassis {looked_into}"
        if doubts:
            message += f" ({'; '.join(dict.fromkeys(doubts))[:900]}): name the sensors to sum in"
            message += " redfish.sensors, or another chassis"
        else:
            message += " (neither in metrics, Power and power supplies, nor in a sensor of power):"
            message += " name another chassis"
        message += f" in redfish.chassis; there are: {await chassis_ids(self._looking.look)}"
        return ReadError(Reason.NO_POWER_SENSOR, message)
