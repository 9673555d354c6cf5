"""One reservation: nodes, cores or licences that are kept for some users for some time."""

from typing import Annotated

import msgspec
from msgspec import Meta

from rackwatt_exporter.schedulers.model.fields import Count, Name, Names, Text, Time, Words
from rackwatt_exporter.schedulers.model.job import MAX_NODES


class Reservation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One reservation; None and empty were not reported, or do not restrict it.

    `active` is whether it has started and has not ended, by the clock of the host that read it.
    Times are Unix times. `nodes` are those it has, `node_count` how many it has or will have.
    `cores` are CPU cores. `users` and `accounts` may use it; a name that begins with `-` may not.
    `flags` are the scheduler's own words, such as `maint`.
    """

    name: Name
    active: bool | None = None
    started_at_s: Time | None = None
    ends_at_s: Time | None = None
    nodes: Annotated[tuple[Name, ...], Meta(max_length=MAX_NODES)] = ()
    node_count: Count | None = None
    cores: Count | None = None
    users: Names = ()
    accounts: Names = ()
    partition: Text = ""
    flags: Words = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The name."""
        return (self.name,)
