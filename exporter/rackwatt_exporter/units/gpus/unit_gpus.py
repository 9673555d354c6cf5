"""GPUs of the units of one manager: what they claim, as shares, with the first reason why not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.gpus.book import GpuBook
from rackwatt_exporter.units.gpus.claimed import EnvironmentClaims
from rackwatt_exporter.units.gpus.claims import GpuClaim
from rackwatt_exporter.units.gpus.holdings import holdings
from rackwatt_exporter.units.gpus.order import MIG_MINORS, GpuOrder, MigFile, mig_files, seen
from rackwatt_exporter.units.gpus.shares import Holding
from rackwatt_exporter.units.model import UnitGpu, UnitKey

_DENIED = ReadError(
    Reason.PERMISSION_DENIED,
    "the variables of processes, which say who holds which GPU, may not be read",
    remedy="The exporter needs CAP_SYS_PTRACE, and in a container the host's process namespace; "
    "the operator grants both where the document names the collector nvidia or amd.",
)


# The devices of each unit that has any, and why some are not known.
Found = tuple[dict[UnitKey, list[Holding]], ReadError | None]


class GpuFinder(Protocol):
    """Finds what the units of one manager hold."""

    def find(self, groups: Iterable[ControlGroup], inventory: Sequence[Gpu]) -> Found:
        """Return the devices of units; the same object again while nothing has changed."""
        ...


class UnitGpus:
    """The GPUs of one manager's units."""

    def __init__(self, manager: str, finder: GpuFinder, book: GpuBook) -> None:
        self._manager = manager
        self._finder = finder
        self._book = book
        self.problem: ReadError | None = None

    def find(
        self, groups: Iterable[ControlGroup]
    ) -> Iterator[tuple[ControlGroup, tuple[UnitGpu, ...]]]:
        """Go through units that live with their shares; `problem` is why some are missing."""
        self.problem = None
        inventory, units = self._book.inventory(), {group.key: group for group in groups}
        if not inventory:
            self._book.forget(self._manager)
            yield from ((group, ()) for group in units.values())
            return
        held, self.problem = self._finder.find(units.values(), inventory)
        gpus = self._book.put(self._manager, held)
        for key, group in units.items():
            yield group, gpus.get(key, ())

    def close(self) -> None:
        """Note that these units are no longer read."""
        self._book.forget(self._manager)


class Resolver:
    """Devices of claims; the same object again while nothing has changed."""

    def __init__(self) -> None:
        self._of: tuple[Mapping[UnitKey, GpuClaim], GpuOrder, Sequence[Gpu]] | None = None
        self._found: Found = ({}, None)

    def resolve(
        self,
        claims: Mapping[UnitKey, GpuClaim],
        order: GpuOrder,
        shards: Mapping[tuple[str, str], int],
        inventory: Sequence[Gpu],
    ) -> Found:
        """Return the devices of each claim, and why those of one are not known."""
        of = (claims, order, inventory)
        if self._of != of:
            self._of, self._found = of, _resolved(claims, order, shards, inventory)
        return self._found


class EnvironmentGpus:
    """GPUs by the variables of processes, or by the device files that they see."""

    def __init__(self, claims: EnvironmentClaims, procfs: Path) -> None:
        self._claims = claims
        self._mig_minors = procfs / MIG_MINORS
        self._order: tuple[Sequence[Gpu], GpuOrder] = (), GpuOrder({})
        self._resolver = Resolver()

    def find(self, groups: Iterable[ControlGroup], inventory: Sequence[Gpu]) -> Found:
        """Return the devices that are named."""
        claims = self._claims.read(groups)
        if any(claim.files for claim in claims.values()):
            minors = self._minors()
            claims = {key: _named(claim, minors, inventory) for key, claim in claims.items()}
        if inventory != self._order[0]:
            self._order = inventory, GpuOrder.detected(inventory)
        found, problem = self._resolver.resolve(claims, self._order[1], {}, inventory)
        return found, denied(self._claims, problem)

    def _minors(self) -> dict[str, MigFile]:
        try:
            return mig_files(self._mig_minors.read_text("ascii", "replace"))
        except OSError:
            return {}


def _named(claim: GpuClaim, minors: Mapping[str, MigFile], inventory: Sequence[Gpu]) -> GpuClaim:
    """Return a claim by the UUIDs of the devices that its files open."""
    devices = seen(claim.files, minors, inventory)
    uuids = tuple(one.instance.uuid if one.instance else one.gpu.uuid for one in devices)
    return claim._replace(names=(*claim.names, *uuids), files=())


def _resolved(
    claims: Mapping[UnitKey, GpuClaim],
    order: GpuOrder,
    shards: Mapping[tuple[str, str], int],
    inventory: Sequence[Gpu],
) -> Found:
    found: dict[UnitKey, list[Holding]] = {}
    problem: ReadError | None = None
    for key, claim in claims.items():
        if claim.is_empty:
            continue
        try:
            found[key] = holdings(claim, order, shards, inventory)
        except ReadError as error:
            problem = problem or error
    return found, problem


def denied(claims: EnvironmentClaims, problem: ReadError | None) -> ReadError | None:
    """Return why devices are not known: first of all, that nothing could be read."""
    return _DENIED if claims.is_denied else problem
