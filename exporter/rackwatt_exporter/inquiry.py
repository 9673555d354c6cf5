"""Everything asked of which there are few: schedulers, the collectors of this machine, the grid.

Each has a poller of its own, and none of the gates that a fleet of BMCs needs.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from rackwatt_exporter.board import Asked, Board
from rackwatt_exporter.collectors.catalogue import COLLECTORS, collector
from rackwatt_exporter.collectors.collector import Findings
from rackwatt_exporter.grid.catalogue import provider
from rackwatt_exporter.grid.provider import Intensity
from rackwatt_exporter.machine import Machine
from rackwatt_exporter.polling.gate import Gate
from rackwatt_exporter.polling.pace import Pace
from rackwatt_exporter.polling.poller import Poller, Readable
from rackwatt_exporter.polling.rounds import Rounds
from rackwatt_exporter.reading import Reason
from rackwatt_exporter.roster import Roster
from rackwatt_exporter.schedulers.catalogue import scheduler
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.settings.binding import Binding
from rackwatt_exporter.settings.feed import Feed
from rackwatt_exporter.settings.fleet import Fleet
from rackwatt_exporter.settings.host import Host
from rackwatt_exporter.settings.instrument import Instrument
from rackwatt_exporter.settings.schedule import Schedule
from rackwatt_exporter.settings.secrets import Secrets

A = TypeVar("A", bound=Asked)
T = TypeVar("T")


class Few:
    """The pollers of what the boards show."""

    def __init__(
        self,
        secrets: Secrets,
        host: Host,
        roster: Roster,
        machine: Machine,
        grids: Board[Feed, Intensity],
    ) -> None:
        self._secrets = secrets
        self._host = host
        self._roster, self._machine, self._grids = roster, machine, grids
        self._schedulers: Rounds[NodeStates] = Rounds()
        self._collectors: Rounds[Findings] = Rounds()
        self._providers: Rounds[Intensity] = Rounds()
        self._renewed: Counter[str] = Counter()

    def ask(self, fleet: Fleet) -> None:
        """Ask what the documents say; what has not changed goes on undisturbed."""
        _ask(self._schedulers, fleet.bindings, self._binding, self._roster)
        _ask(self._collectors, fleet.instruments, self._instrument, self._machine)
        _ask(self._providers, fleet.feeds, self._feed, self._grids)

    def renew(self, fleet: Fleet, reasons: Iterable[Reason]) -> None:
        """Ask schedulers again, and soon, that fail for one of these reasons."""
        for name, entry in self._roster.entries.items():
            if entry.error is not None and entry.error.reason in reasons:
                self._renewed[name] += 1
        self.ask(fleet)

    async def close(self) -> None:
        """Stop all pollers, and close what they hold."""
        for rounds in (self._schedulers, self._collectors, self._providers):
            await rounds.close()

    def _binding(self, one: Binding) -> "_Way":
        pace = Pace(one.interval_s, one.timeout_s, one.max_backoff_s)
        return (one.access, self._renewed[one.name]), pace, partial(scheduler, one, self._secrets)

    def _instrument(self, one: Instrument) -> "_Way":
        pace = _pace(one.schedule, COLLECTORS[one.name].longest_interval_s)
        return one.name, pace, partial(collector, one.name, self._host)

    def _feed(self, one: Feed) -> "_Way":
        return one.options, _pace(one.schedule), partial(provider, one)


# What makes it this source and no other, how often it is asked, and how it is made.
_Way = tuple[Hashable, Pace, Callable[[], Readable[Any]]]


def _ask(
    rounds: Rounds[T], few: Mapping[str, A], way: Callable[[A], _Way], board: Board[A, T]
) -> None:
    board.want(few.values())
    rounds.keep(few)
    for name, one in few.items():
        identity, pace, source = way(one)
        rounds.have(name, identity, pace, partial(_poller, name, source, pace, board))


def _poller(
    name: str, source: Callable[[], Readable[T]], pace: Pace, board: Board[Any, T]
) -> Poller[T]:
    return Poller(name, source(), pace, (Gate(()), Gate(())), board)


def _pace(schedule: Schedule, longest_interval_s: float = float("inf")) -> Pace:
    interval_s = min(schedule.interval_s, longest_interval_s)
    return Pace(interval_s, schedule.timeout_s, max(interval_s, schedule.max_backoff_s))
