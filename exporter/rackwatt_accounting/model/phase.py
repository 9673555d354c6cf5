"""Where a unit is in its life, as accounting knows it."""

from enum import IntEnum


class Phase(IntEnum):
    """The number that the database keeps.

    A LOST unit was seen running, and its scheduler no longer knows it: it counts as ended when it
    was last seen, until its scheduler reports it again.
    """

    ENDED = 0
    RUNNING = 1
    LOST = 2
