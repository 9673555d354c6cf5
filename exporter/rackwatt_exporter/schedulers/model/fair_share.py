"""Fair share of an account, or of one user in it: its promised part, and what it has used."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, Count, Name, Text

Share = Annotated[float, Meta(ge=0, le=MAX_COUNT)]
# JSON has no number for it.
Level = Share | Literal["inf"]


class FairShare(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The fair share of an account, or of a `user` in it; None was not reported or not computed.

    `partition` is not empty where it is for jobs of that partition alone. `parent` is the account
    that an account belongs to.

    `shares` are as an administrator set them, and `shares_ratio` their part of those of all
    siblings. `usage_s` is what jobs have used, in seconds of what Slurm bills, less the older it
    is; `usage_ratio` its part of the usage of all siblings. `level` is what is left of the share:
    above 1 less than it was used, and `inf` where there is no usage. `factor` is what a job's
    priority counts, from 0 to 1; an account has none where Slurm computes it of users alone.
    """

    account: Name
    user: Text = ""
    partition: Text = ""
    parent: Text = ""
    shares: Count | None = None
    shares_ratio: Share | None = None
    usage_s: Share | None = None
    usage_ratio: Share | None = None
    factor: Share | None = None
    level: Level | None = None
