"""One software licence that jobs may hold, as a scheduler counts it.

Slurm counts its own licences in the jobs that run. Those of a licence server are remote: a script
of the site reports their use with `sacctmgr`, and what is in use there is `last_consumed`.
"""

import msgspec

from rackwatt_exporter.schedulers.model.fields import Count, Name, Text


class License(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One licence of the scheduler; None was not reported.

    `reserved` are those that reservations hold. `free` is what the scheduler calls free. Of a
    `remote` licence, `last_consumed` is how many were in use at the last report of its server, and
    `last_deficit` how many more than the scheduler may give away. `nodes` is empty of a licence
    that all nodes share; a licence of some nodes alone is one for each such pool.
    """

    name: Name
    total: Count | None = None
    used: Count | None = None
    free: Count | None = None
    reserved: Count | None = None
    remote: bool = False
    last_consumed: Count | None = None
    last_deficit: Count | None = None
    nodes: Text = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The name, and the nodes where one name has several pools."""
        return self.name, self.nodes
