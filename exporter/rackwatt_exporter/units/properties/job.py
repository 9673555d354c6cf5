"""Name, user and account of a job, and the UUID that is made of them.

An id alone does not name a job for ever: managers count from 1 again after a reinstallation, or at
their highest number. The UUID is made of what every node of a job knows without asking: the manager
and its cluster, the id, the user, the account, the list of nodes, and the time of the start where
the manager says that. So it is the same on each node, after a restart of the exporter, and for a
client that makes it. It is a version 5 (RFC 9562, section 5.5), which anybody can compute.
"""

from typing import NamedTuple
from uuid import UUID

from rackwatt_exporter.units.model import UnitInfo

try:  # as Python's random does: hashlib, which uuid5() takes, loads OpenSSL, 3 MiB
    from _sha1 import sha1
except ImportError:  # a Python without hashes of its own
    from hashlib import sha1

NAMESPACE = UUID("1995bb96-39ea-56b6-8df4-fda2ea43ec50")  # of https://rackwatt.dev/units


class JobProperties(NamedTuple):
    """What is known of a job; empty where it is unknown. `start` is as the manager writes it."""

    user: str = ""
    account: str = ""
    nodelist: str = ""
    name: str = ""
    cluster: str = ""
    start: str = ""


def job_uuid(manager: str, job: str, known: JobProperties) -> str:
    """Return the UUID of a job; empty where its user is unknown, which leaves the id alone."""
    if not known.user:
        return ""
    parts = (known.cluster, job, known.user, known.account, known.nodelist, known.start)
    name = "\n".join((manager, *parts)).encode()
    digest = sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()
    return str(UUID(bytes=digest[:16], version=5))


def job_info(manager: str, job: str, known: JobProperties) -> UnitInfo:
    """Return the properties as those of a unit."""
    uuid = job_uuid(manager, job, known)
    return UnitInfo(uuid, known.user, known.account, known.name)
