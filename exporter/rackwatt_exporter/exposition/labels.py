"""The unchanging part of a target's lines: its label sets, escaped and joined once.

A reading then costs one number behind each. They are current as long as the target, its node's
state and the source of its number stay as they were.
"""

from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.metrics.text import labels
from rackwatt_exporter.schedulers.model.node_state import profile_state
from rackwatt_exporter.store.targets import TargetRecord


class TargetLabels:
    """A target's slot on the page, and its label sets.

    `power` goes with what is measured, `node` with how the target does; `usage` is the profile's.
    `info` and `state` are whole lines, for their value is always 1.
    """

    __slots__ = ("info", "key", "node", "power", "record", "slot", "state", "usage")

    def __init__(
        self, slot: int, record: TargetRecord, state: str | None, binding: SchedulerConfig | None
    ) -> None:
        target = record.spec
        self.slot = slot
        self.record = record
        self.key = _key(record, state, binding)
        self.power = labels((("node", target.node), ("type", target.type), ("rack", target.rack)))
        self.node = labels((("node", target.node),))
        self.usage = _usage_labels(record, state)
        self.info = f"{f.INFO.name}{_info_labels(record)} 1\n".encode()
        line = f"{f.STATE.name}{_state_labels(record, state, binding)} 1\n" if state else ""
        self.state = line.encode()

    def is_current(
        self, record: TargetRecord, state: str | None, binding: SchedulerConfig | None
    ) -> bool:
        """Return whether the label sets still say what they should."""
        return self.key == _key(record, state, binding)


def _key(
    record: TargetRecord, state: str | None, binding: SchedulerConfig | None
) -> tuple[object, ...]:
    source = record.value.source if record.value else ""
    return (record.spec, state, source, binding.cluster if binding else None)


def _usage_labels(record: TargetRecord, state: str | None) -> str:
    target = record.spec
    pairs = [("node", target.node), ("type", target.type), ("rack", target.rack)]
    if state is not None:
        pairs.append(("state", profile_state(state)))
    return labels(pairs)


def _state_labels(record: TargetRecord, state: str, binding: SchedulerConfig | None) -> str:
    values = (
        record.spec.node,
        binding.name if binding else "",
        binding.cluster if binding else "",
        state,
    )
    return labels(zip(f.STATE.labels, values, strict=True))


def _info_labels(record: TargetRecord) -> str:
    target = record.spec
    source = record.value.source if record.value else ""
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
