"""What sinfo prints: states of nodes that are in it, or a bad reply."""

import re

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.node_state import power_exporter_state
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.output_format import MARK
from rackwatt_exporter.schedulers.slurm.sinfo_output import (
    parse_count,
    parse_nodes,
    parse_version,
)

_NOT_AT_REST = ("DOWN", "DRAIN", "FAIL", "ERROR", "ALLOC", "MIX", "COMPLETING")


def examine(data: bytes) -> None:
    """Read it as each of sinfo's outputs."""
    assert parse_version(data).isprintable()
    assert (parse_count(data) or 0) >= 0
    try:
        listed = parse_nodes(data, "toy")
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
        return
    assert all(line.isprintable() for line in listed.unread)
    text = data.decode("utf-8", "replace").replace(MARK, "|")
    assert listed.usage.keys() <= listed.nodes.keys()
    assert parse_nodes(data, "toy", b"", listed) == listed
    snapshot = SchedulerSnapshot(listed.nodes, usage=listed.usage)
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for name, node in listed.nodes.items():
        columns = re.findall(rf"{re.escape(name)}\|([^|\s]*)\|([^|\s]*)\|", text)
        assert columns
        assert all(f"|{one}|" in text for one in node.partitions)
        if power_exporter_state(node.state) == "idle":
            bases = [(one or other).rstrip("*~#!%$@^-").partition("+")[0] for one, other in columns]
            assert not all(base.upper().startswith(_NOT_AT_REST) for base in bases)
