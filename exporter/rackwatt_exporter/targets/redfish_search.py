"""The search for a machine's watts, which may be cut short at any request and goes on from there.

A slow BMC takes longer to be searched than one reading may last: what it has answered is kept until
the search comes to its end.
"""

from contextlib import aclosing

from rackwatt_exporter.protocols.redfish import RedfishService
from rackwatt_exporter.protocols.redfish_http import StatusError
from rackwatt_exporter.protocols.redfish_json import Json, at
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.settings.options import RedfishOptions
from rackwatt_exporter.targets.redfish_chassis import Machine, find_machine
from rackwatt_exporter.targets.redfish_places import Place, places

NOT_READY = 503


class Search:
    """What is known so far of where one machine and its watts are."""

    def __init__(self, service: RedfishService, options: RedfishOptions) -> None:
        self._service = service
        self._chassis = options.chassis
        self._average = options.value == "average"
        self._machine: Machine | None = None
        self._seen: dict[str, Json] = {}
        self._forbidden: StatusError | None = None

    async def find(self) -> Place:
        """Find the best place that holds watts now, on a machine that is on.

        Raises:
            ReadError: powered_off; no_power_sensor, or privilege_insufficient where that may be
                why; and as `RedfishService.get`.
        """
        if self._machine is None:
            self._machine = await find_machine(self._look, self._chassis)
        await self.refuse_powered_off()
        self._forbidden = None
        place = await self._best(self._machine)
        self._seen.clear()
        if place is None:
            self._machine = None
            raise self._forbidden or self._nothing()
        return place

    def forget(self) -> None:
        """Begin from the beginning next time."""
        self._machine = None
        self._seen.clear()

    async def refuse_powered_off(self) -> None:
        """Ask whether the machine is on, where its BMC knows.

        Raises:
            ReadError: powered_off.
        """
        state = self._machine.state if self._machine else None
        if state and at(await self._service.get(state), "PowerState") == "Off":
            raise ReadError(Reason.POWERED_OFF, "the machine is switched off")

    async def _best(self, machine: Machine) -> Place | None:
        for chassis in machine.chassis:
            if place := await self._best_of(chassis):
                return place
        return None

    async def _best_of(self, chassis: Json) -> Place | None:
        expands = self._service.expands
        known = places(self._look, chassis, average=self._average, expands=expands)
        async with aclosing(known):
            async for place in known:
                if await place.read(self._look):
                    return place
        return None

    async def _look(self, path: str) -> Json:
        """Get a resource once; None where the service has none, or none for us."""
        if path not in self._seen:
            try:
                self._seen[path] = await self._service.get(path)
            except StatusError as error:
                if error.status == NOT_READY:
                    raise
                if error.reason is Reason.PRIVILEGE_INSUFFICIENT:
                    self._forbidden = error
                self._seen[path] = None
        return self._seen[path]

    def _nothing(self) -> ReadError:
        if self._average:
            told = "the BMC keeps no mean of its watts: leave out redfish.value, or say current"
        else:
            told = "neither metrics, nor Power, supplies or sensors of the chassis tell its watts"
        return ReadError(Reason.NO_POWER_SENSOR, told)
