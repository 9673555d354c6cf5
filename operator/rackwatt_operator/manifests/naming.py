"""Names of children: short enough for all that Kubernetes derives from them, and unique.

A resource name may have 253 characters and dots; a label, a Service and a pod's host name at most
63 and no dot. So a long or dotted name keeps its beginning and gets a hash of the whole. A plain
name that looks like such a one, or like the dashboard or the accounting of another resource, gets a
hash as well: no user can choose a name that collides with the children of another resource.
"""

import base64
import hashlib
import re

LONGEST_BASE = 52
"""A base and `-accounting`, or a pod's two suffixes behind a shard's number, stay within 63."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_PLAIN_PATH = re.compile(r"(/[a-z0-9]+)+/?\Z")
_TAKEN = re.compile(r".*(-[a-z2-7]{20}|-dashboard|-accounting)\Z")
_PREFIXES = {"PowerTarget": "pt", "SchedulerBinding": "sb"}
_LONGEST_VOLUME = 63


def base(kind: str, name: str) -> str:
    """Return the resource name prefix of all children: `pt-lab`, `sb-prod`."""
    return _short(_PREFIXES[kind], name, LONGEST_BASE)


def shard(base: str, number: int) -> str:
    """Name the Deployment of one shard, counted from 0."""
    return f"{base}-{number}"


def dashboard(base: str) -> str:
    """Name the ConfigMap of the dashboard."""
    return f"{base}-dashboard"


def accounting(base: str) -> str:
    """Name the objects of accounting, beside those of the collector."""
    return f"{base}-accounting"


def volume(secret: str) -> str:
    """Name the volume that a Secret is mounted as."""
    return _short("secret", secret, _LONGEST_VOLUME)


def host_volume(path: str) -> str:
    """Name the volume of a path of the node; a document may name any path."""
    plain = "host" + path.rstrip("/").replace("/", "-")
    if _PLAIN_PATH.match(path) and len(plain) <= _LONGEST_VOLUME:
        return plain
    return f"host-{_digest(path)}"


def state_directory(namespace: str, name: str) -> str:
    """Return the directory of the node that keeps the counters of a PowerTarget."""
    return f"/var/lib/rackwatt/{namespace}/{name}"


def _short(prefix: str, name: str, most: int) -> str:
    plain = f"{prefix}-{name}"
    if len(plain) <= most and _LABEL.match(name) and not _TAKEN.match(name):
        return plain
    digest = _digest(name)
    stem = plain.replace(".", "-")[: most - len(digest) - 1].rstrip("-")
    return f"{stem}-{digest}"


def _digest(name: str) -> str:
    return base64.b32encode(hashlib.blake2b(name.encode()).digest()[:13])[:20].decode().lower()
