"""vCPUs and memory of hypervisors from Placement, which has them from Nova's 2.88 on.

A provider takes two requests. Its generation changes with its inventory and with each allocation:
providers whose generation is the one that was read are not read again, and of others a limited
number in each poll. What was not read since it changed is unknown.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.openstack.records import MIB, count_of
from rackwatt_exporter.schedulers.openstack.service import Service

HEADERS = {"OpenStack-API-Version": "placement 1.0"}
MAX_PROVIDERS = 200  # that are read in one poll
_AT_ONCE = 8
_CPUS = ("VCPU", "PCPU")


class Amounts(NamedTuple):
    """What a provider has and what of it is allocated; memory that is reserved counts as such."""

    total: Resources
    allocated: Resources


class _Provider(msgspec.Struct):
    uuid: str
    generation: int


class _Providers(msgspec.Struct):
    resource_providers: list[_Provider]


class _Inventory(msgspec.Struct):
    total: Any = None
    reserved: Any = None


class _Inventories(msgspec.Struct):
    resource_provider_generation: int
    inventories: dict[str, _Inventory]


class _Usages(msgspec.Struct):
    resource_provider_generation: int
    usages: dict[str, Any]


_PROVIDERS = msgspec.json.Decoder(_Providers)
_INVENTORIES = msgspec.json.Decoder(_Inventories)
_USAGES = msgspec.json.Decoder(_Usages)


class Placement:
    """The amounts of the providers of one cloud, each with the generation that was read."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Amounts]] = {}

    async def read(self, service: Service, ids: Iterable[str]) -> Mapping[str, Amounts]:
        """Return the amounts of these providers, as far as they are known.

        Raises:
            ReadError: as `Service.get`.
        """
        listed = (await service.get("/resource_providers", _PROVIDERS)).resource_providers
        wanted = set(ids)
        now = {one.uuid: one.generation for one in listed if one.uuid in wanted}
        self._known = {
            uuid: known for uuid, known in self._known.items() if now.get(uuid) == known[0]
        }
        changed = [uuid for uuid in now if uuid not in self._known][:MAX_PROVIDERS]
        for start in range(0, len(changed), _AT_ONCE):
            some = changed[start : start + _AT_ONCE]
            await asyncio.gather(*(self._read(service, uuid) for uuid in some))
        return {uuid: amounts for uuid, (_, amounts) in self._known.items()}

    async def _read(self, service: Service, uuid: str) -> None:
        path = f"/resource_providers/{uuid}"
        has = await service.get(f"{path}/inventories", _INVENTORIES)
        used = await service.get(f"{path}/usages", _USAGES)
        if has.resource_provider_generation == used.resource_provider_generation:
            self._known[uuid] = used.resource_provider_generation, amounts(has, used)


def amounts(has: _Inventories, used: _Usages) -> Amounts:
    """Return what a provider has and what of it is allocated."""
    cpus = [name for name in _CPUS if name in has.inventories]
    memory = has.inventories.get("MEMORY_MB", _Inventory())
    reserved = count_of(memory.reserved) or 0
    return Amounts(
        Resources(
            _sum(has.inventories[name].total for name in cpus), _bytes(count_of(memory.total))
        ),
        Resources(
            _sum(used.usages.get(name) for name in cpus),
            _bytes(count_of(used.usages.get("MEMORY_MB")), reserved),
        ),
    )


def _sum(values: Iterable[Any]) -> int | None:
    """Return a sum of counts; None where there is none, or one cannot be read."""
    counts = [count_of(value) for value in values]
    known = [count for count in counts if count is not None]
    return sum(known) if counts and len(known) == len(counts) else None


def _bytes(mebibytes: int | None, reserved: int = 0) -> int | None:
    return None if mebibytes is None else (mebibytes + reserved) * MIB
