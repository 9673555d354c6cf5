"""Search for a machine's watts, which can be interrupted at any request and continued.

The first try may send as many requests as most machines take to their first reading. A larger tree
is read on a handful at a time, and nothing of it twice. A search that has found nothing is repeated
at every try, and requests again only the oldest resources, not the whole tree.
"""

from collections.abc import Sequence

from rackwatt_exporter.config.options import RedfishOptions
from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.json import Json, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.login import LoginError
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.protocols.redfish.power import (
    NotNamedError,
    supply_inputs,
    supply_outputs,
)
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.chassis import (
    SYSTEMS,
    MachineChassis,
    chassis_ids,
    find_machine,
)
from rackwatt_exporter.targets.redfish.lookup import ResourceLookup, UnfinishedError
from rackwatt_exporter.targets.redfish.resources import (
    PowerResource,
    Seeker,
    enclosure,
    named,
    seekers,
)

# Each besides those of the log-in, the power state and the reading: four at most.
FIRST_REQUESTS = 14  # the trees of tests/data/redfish take fewer
NEXT_REQUESTS = 5
LATER_REQUESTS = 4
_NOTHING_FOUND = (Reason.NO_POWER_SENSOR, Reason.MEMBER_MISSING, Reason.PRIVILEGE_INSUFFICIENT)
_NO_OTHER = (
    "Update the BMC's firmware, or read the machine by `method: ipmi`, or the PDU that feeds it by "
    "`method: snmp`."
)
_UNREADABLE = (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


class PowerDiscovery:
    """State of the search for one machine and its watts."""

    def __init__(self, service: RedfishClient, options: RedfishOptions) -> None:
        self._service = service
        self._options = options
        self._lookup = ResourceLookup(service)
        self._state: str | None = None
        self.systems: Json = None  # the list in which the machine was found
        self._exhausted = False  # a complete search has found no watts
        self._so_far = ""
        self._reason = Reason.SEARCHING  # of a search that is not complete
        self._unfinished = False

    async def find(self) -> PowerResource:
        """Find the best resource that has watts now, on a machine that is on.

        Where none has watts now, return the best of those that exist.

        Raises:
            UnfinishedError: the next try continues; searching, until a whole search found nothing.
            ReadError: powered_off; no_power_sensor, or privilege_insufficient where that may be
                the cause; and as `RedfishClient.get`.
        """
        self._lookup.allow(self._requests)
        if self._exhausted and not self._unfinished:
            self._lookup.drop_oldest(LATER_REQUESTS)
        self._unfinished = False
        try:
            machine = await self._machine()
            self._state = machine.state
            if self._options.chassis is None:
                self.systems = await self._lookup.look(SYSTEMS)
            await self.raise_if_powered_off()
            return await self._best(machine)
        except UnfinishedError as error:
            self._unfinished = True
            raise UnfinishedError(self._reason, f"{error}{self._so_far}") from None
        except ReadError as error:
            if error.reason in _NOTHING_FOUND:
                self._exhausted, self._so_far = True, f"; so far: {error}"
                self._reason = error.reason
            raise

    @property
    def _requests(self) -> int:
        """How many requests this try may send."""
        if self._exhausted:
            return LATER_REQUESTS
        return NEXT_REQUESTS if len(self._lookup) else FIRST_REQUESTS

    def restart(self) -> None:
        """Restart the search at the next try."""
        self._lookup.clear()
        self._exhausted, self._so_far, self._reason = False, "", Reason.SEARCHING

    async def raise_if_powered_off(self) -> None:
        """Check the machine's power state, where its BMC has one.

        Raises:
            ReadError: powered_off.
        """
        state = self._state
        if state and get_str(await self._service.get(state), "PowerState").lower() == "off":
            raise ReadError(Reason.POWERED_OFF, "the machine is switched off")

    async def _machine(self) -> MachineChassis:
        """Find the machine's chassis.

        Raises:
            ReadError: privilege_insufficient where what the user may not read may name it; and as
                `find_machine`.
        """
        try:
            return await find_machine(self._lookup.look, self._options.chassis)
        except ReadError as error:
            forbidden = self._lookup.forbidden
            if forbidden is None or error.reason is not Reason.NO_POWER_SENSOR:
                raise
            message = f"{forbidden}; {error}"
            raise ReadError(forbidden.reason, message, remedy=forbidden.remedy) from None

    async def _best(self, machine: MachineChassis) -> PowerResource:
        doubts: list[str] = []
        unreadable: PowerResource | None = None
        for seek in self._seekers(machine):
            resource = None
            try:
                resource = await seek(self._lookup.look)
                if resource and unreadable and _is_less(resource, unreadable):
                    break
                if resource and await resource.read(self._lookup.look):
                    self.restart()
                    return resource
            except NotNamedError as doubt:
                doubts.append(str(doubt))
            except LoginError:
                raise  # no resource can be read, and each would cost another log-in
            except ReadError as error:
                if resource is None or error.reason not in _UNREADABLE:
                    raise
                unreadable = unreadable or resource
        if unreadable:
            self._exhausted, self._reason = True, Reason.NO_POWER_SENSOR
            return unreadable
        raise await self._nothing(machine.chassis, doubts)

    def _seekers(self, machine: MachineChassis) -> list[Seeker]:
        expands = self._service.expands
        at = enclosure(machine.chassis, machine.own)
        if self._options.sensors:
            return [named(at, self._options.sensors, expands=expands)]
        return seekers(at, average=self._options.value == "average", expands=expands)

    async def _nothing(self, chassis: Json, doubts: Sequence[str]) -> ReadError:
        if self._lookup.forbidden and not doubts:
            return self._lookup.forbidden
        if self._options.value == "average":
            message = "the BMC keeps no mean of its watts: omit redfish.value, or set it to current"
            return ReadError(Reason.NO_POWER_SENSOR, message)
        looked_into = last_part(link(chassis) or "")
        message = f"no watts of the whole machine are known in chassis {shown(looked_into)}"
        advice = []
        if doubts:
            message += f" ({'; '.join(dict.fromkeys(doubts))[:900]})"
            advice.append("name the sensors to sum in redfish.sensors")
        else:
            message += " (neither in metrics, Power and power supplies, nor in a sensor of power)"
        if others := await chassis_ids(self._lookup.look, besides=[looked_into]):
            advice.append(f"name another chassis in redfish.chassis; there are: {others}")
        message += f": {', or '.join(advice)}" if advice else ", and there is no other chassis"
        remedy = None if advice else _NO_OTHER
        return ReadError(Reason.NO_POWER_SENSOR, message, remedy=remedy)


def _is_less(resource: PowerResource, known: PowerResource) -> bool:
    """Return whether a resource has what supplies give out, and another had what goes in."""
    return resource.find is supply_outputs and known.find is not supply_inputs
