"""What qhost and qstat print: hosts and jobs that are in it, or a bad reply."""

import re

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.gridengine.commands import parse_snapshot, parse_version


def examine(data: bytes) -> None:
    """Read it as the output of both commands, one after the other."""
    version = parse_version(data)
    assert version.isprintable()
    try:
        snapshot = parse_snapshot(data, data, version)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert str(error).isprintable()
        return
    assert relay.decode(relay.encode(snapshot)) == snapshot
    for name, node in snapshot.nodes.items():
        if node.state == "idle" and name.isascii():
            named = rb"@\s*" + re.escape(name.encode()) + rb"\s*<"
            lists = [data[at.end() :].split(b"</Queue-List>")[0] for at in re.finditer(named, data)]
            assert any(b"<slots_used" in text and b"<job_list " not in text for text in lists)
    for job in snapshot.jobs or ():
        assert job.id.partition(".")[0].encode() in data
        assert not job.per_node or len(job.per_node) == len(job.nodes)
        assert set(job.nodes) <= snapshot.nodes.keys()
