"""What pbsnodes and qstat print in each of PBS's formats: nodes that are in it, or a bad reply."""

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.pbs import json_output, text_output, torque_xml
from rackwatt_exporter.schedulers.pbs.commands import make_snapshot


def examine(data: bytes) -> None:
    """Read it as the output of both commands."""
    for module in (json_output, text_output, torque_xml):
        try:
            snapshot = make_snapshot(module.parse_nodes(data), module.parse_jobs(data))
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()
            continue
        assert relay.decode(relay.encode(snapshot)) == snapshot
        for node in snapshot.nodes.values():
            if node.state == "idle":
                assert b"free" in data.lower() or b"reserve" in data.lower() or b"\\u" in data
        for job in snapshot.jobs or ():
            assert not job.per_node or len(job.per_node) == len(job.nodes)
            assert job.tasks >= 1
