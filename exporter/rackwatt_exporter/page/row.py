"""The unchanging part of a target's lines: its label sets, escaped and joined once.

A reading then costs one number written behind each. A row fits as long as the target, its node's
state and the place its number comes from stay as they were.
"""

from rackwatt_exporter.page import families as f
from rackwatt_exporter.page.exposition import labels
from rackwatt_exporter.roster import Entry
from rackwatt_exporter.schedulers.state import profile_state
from rackwatt_exporter.store import Record


class Row:
    """A target's place on the page, and its label sets.

    `whole` goes with what is measured, `node` with how the target does; `usage` is the profile's.
    `info` and `state` are whole lines, for their value is always 1.
    """

    __slots__ = ("info", "key", "node", "place", "record", "state", "usage", "whole")

    def __init__(self, place: int, record: Record, entry: Entry | None) -> None:
        target = record.target
        self.place = place
        self.record = record
        self.key = _key(record, entry)
        self.whole = labels((("node", target.node), ("type", target.type), ("rack", target.rack)))
        self.node = labels((("node", target.node),))
        self.usage = _usage_labels(record)
        self.info = f"{f.INFO.name}{_info_labels(record)} 1\n".encode()
        state = f"{f.STATE.name}{_state_labels(record, entry)} 1\n" if record.state else ""
        self.state = state.encode()

    def fits(self, record: Record, entry: Entry | None) -> bool:
        """Tell whether the label sets still say what they should."""
        return self.key == _key(record, entry)


def _key(record: Record, entry: Entry | None) -> tuple[object, ...]:
    source = record.reading.source if record.reading else ""
    return (record.target, record.state, source, entry.asked.cluster if entry else None)


def _usage_labels(record: Record) -> str:
    target = record.target
    pairs = [("node", target.node), ("type", target.type), ("rack", target.rack)]
    if record.state is not None:
        pairs.append(("state", profile_state(record.state)))
    return labels(pairs)


def _state_labels(record: Record, entry: Entry | None) -> str:
    binding = entry.asked if entry else None
    values = (
        record.target.node,
        binding.name if binding else "",
        binding.cluster if binding else "",
        record.state or "",
    )
    return labels(zip(f.STATE.labels, values, strict=True))


def _info_labels(record: Record) -> str:
    target = record.target
    source = record.reading.source if record.reading else ""
    values = (
        target.node,
        target.document,
        target.method,
        target.address,
        target.type,
        target.rack,
        source,
    )
    return labels(zip(f.INFO.labels, values, strict=True))
