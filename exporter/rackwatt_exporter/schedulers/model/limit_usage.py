"""Usage of a limit, as the scheduler counts it when it decides whether a job may run."""

import msgspec

from rackwatt_exporter.schedulers.model.fields import Count, Name, Text


class LimitUsage(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One limit: of an account, of a user in it, of a QOS, or of a user or an account in that.

    `account` and `user` are empty where the limit is for all jobs of a `qos`, which is empty where
    the limit is the account's or the user's own. `partition` is not empty where it is for jobs of
    that partition alone. `limit` is what is limited: cpus, memory, nodes, running_jobs,
    submitted_jobs, or a resource as the scheduler spells it, such as gres/gpu; with `_minutes`
    behind it, what jobs have used of it over time. Memory is in bytes.
    """

    limit: Name
    used: Count
    allowed: Count
    account: Text = ""
    user: Text = ""
    partition: Text = ""
    qos: Text = ""

    @property
    def key(self) -> tuple[str, ...]:
        """What distinguishes it from other limits."""
        return self.account, self.user, self.partition, self.qos, self.limit
