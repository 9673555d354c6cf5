"""Lists of pbsnodes and qstat, in one shape for all of PBS's formats."""

from collections.abc import Mapping
from typing import Any, NamedTuple

# The attributes of a vnode or a job; those with a dot are groups, such as resources_available.
Attributes = Mapping[str, Any]


class Listing(NamedTuple):
    """Each vnode or job by name; `unread` are those that could not be read."""

    records: Mapping[str, Attributes]
    unread: int = 0
    server: str = ""
    version: str = ""
