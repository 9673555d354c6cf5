"""The unchanging part of a target's lines: its label sets, escaped and joined once.

A scrape then puts one number behind each. They are current as long as the target, its node's state
and the source of its number stay as they were.
"""

from collections.abc import Iterable

from rackwatt_exporter.exposition import families as f
from rackwatt_exporter.exposition.snapshot import TargetSnapshot
from rackwatt_exporter.metrics.text import labels
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state


class TargetLabels:
    """A target's label sets, each with the space after it.

    `power` goes with what is measured, `node` with how the target does; `usage` is the profile's.
    `state` is None where the node has none.
    """

    __slots__ = (
        "_binding",
        "_source",
        "_spec",
        "_state",
        "info",
        "node",
        "power",
        "state",
        "usage",
    )

    def __init__(self, target: TargetSnapshot) -> None:
        self._spec, self._source = target.spec, target.source
        self._state, self._binding = target.state, target.binding
        spec, state = target.spec, target.state
        named = [("node", spec.node), ("type", spec.type), ("rack", spec.rack)]
        profile = [("state", power_exporter_state(state))] if state is not None else []
        self.power = _label_set(named)
        self.node = _label_set(named[:1])
        self.usage = _label_set(named + profile)
        self.info = _info(target)
        self.state = _state(target, state) if state is not None else None

    def is_current(self, target: TargetSnapshot) -> bool:
        """Return whether the label sets still say what they should."""
        return (
            self._spec is target.spec
            and self._state == target.state
            and self._binding is target.binding
            and self._source == target.source
        )


def _state(target: TargetSnapshot, state: str) -> bytes:
    binding = target.binding
    scheduler = (binding.name, binding.cluster) if binding else ("", "")
    return _label_set(zip(f.STATE.labels, (target.spec.node, *scheduler, state), strict=True))


def _info(target: TargetSnapshot) -> bytes:
    spec = target.spec
    values = (
        spec.node,
        spec.document,
        spec.method,
        spec.address,
        spec.type,
        spec.rack,
        target.source,
    )
    return _label_set(zip(f.INFO.labels, values, strict=True))


def _label_set(pairs: Iterable[tuple[str, str]]) -> bytes:
    return f"{labels(pairs)} ".encode()
