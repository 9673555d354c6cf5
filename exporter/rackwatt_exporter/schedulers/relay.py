"""The relay format: a snapshot as one exporter serves it to another, versioned.

The version is in the media type, as it is in Prometheus's own formats, so that an exporter knows
whether it can read a body before it reads it (docs/decisions/0021-scheduler-relay-format.md). A
minor version only adds fields, which an older reader passes over; a major one changes those that
exist. The age of a snapshot is that of the response (`Age`): the same snapshot is the same bytes.
"""

import re

import msgspec

from rackwatt_exporter.schedulers.model.snapshot import OPTIONAL, SchedulerSnapshot, share

MEDIA_TYPE = "application/vnd.rackwatt.scheduler+json"
MAJOR, MINOR = 1, 2
CONTENT_TYPE = f"{MEDIA_TYPE}; version={MAJOR}.{MINOR}"
# Jobs are most of a snapshot, and exporters that carry the states of nodes alone want neither them
# nor anything else beside nodes.
NODES_ALONE = {"jobs": "false"}
ACCEPT = f"{MEDIA_TYPE}; version={MAJOR}"

_VERSION = re.compile(
    rf'{re.escape(MEDIA_TYPE)}\s*;\s*version="?([0-9]{{1,4}})\.([0-9]{{1,4}})"?\s*(?:;.*)?',
    re.IGNORECASE,
)
_DECODER = msgspec.json.Decoder(SchedulerSnapshot)


def path(binding: str) -> str:
    """Return where the snapshot of a binding is served; nodes alone with the query NODES_ALONE."""
    return f"/schedulers/{binding}/snapshot"


def encode(snapshot: SchedulerSnapshot) -> bytes:
    """Write a snapshot, but for its age; the same snapshot in the same bytes."""
    fields = msgspec.structs.asdict(snapshot)
    del fields["age_s"]
    if snapshot.jobs is None:
        del fields["unread_jobs"]
    for name in OPTIONAL:
        if fields[name] is None:
            del fields[name]
    return msgspec.json.encode(fields, order="deterministic")


def decode(body: bytes, age_s: float = 0.0) -> SchedulerSnapshot:
    """Read a snapshot of a version that `check_version` accepts.

    Raises:
        ValueError: it is none, or a part of it is not as it should be; none of it counts then.
    """
    try:
        snapshot = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the body is no scheduler snapshot: {error}") from None
    nodes = share(snapshot.nodes.items())
    return msgspec.structs.replace(snapshot, nodes=nodes, age_s=age_s)


def check_version(content_type: str) -> None:
    """Check that a body of this Content-Type can be read: any minor version of our major one.

    Raises:
        ValueError: it cannot, with what to change.
    """
    match = _VERSION.fullmatch(content_type.strip())
    if match is None:
        raise ValueError(
            f"the response is no scheduler snapshot (Content-Type {content_type!r}): is url that of"
            " a rackwatt-exporter?"
        )
    if int(match[1]) != MAJOR:
        raise ValueError(
            f"that exporter serves snapshots of version {match[1]}.{match[2]} and this one reads"
            f" {MAJOR}.x: run the same release of rackwatt-exporter on both"
        )
