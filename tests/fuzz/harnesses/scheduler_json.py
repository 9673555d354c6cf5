"""What the commands of HTCondor, LSF and Flux print as JSON: nodes and jobs, or a bad reply."""

from collections.abc import Callable

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.flux import jobs as flux_jobs
from rackwatt_exporter.schedulers.htcondor import jobs as htcondor_jobs
from rackwatt_exporter.schedulers.htcondor import slots
from rackwatt_exporter.schedulers.json_commands import Jobs, Nodes
from rackwatt_exporter.schedulers.lsf import hosts
from rackwatt_exporter.schedulers.lsf import jobs as lsf_jobs
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

JSON = True
_PARSERS: tuple[Callable[[bytes], Nodes | Jobs], ...] = (
    slots.parse_nodes,
    hosts.parse_nodes,
    htcondor_jobs.parse_jobs,
    lsf_jobs.parse_jobs,
    flux_jobs.parse_jobs,
)


def examine(data: bytes) -> None:
    """Read it as the output of each command."""
    for parse in _PARSERS:
        try:
            found = parse(data)
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()
            continue
        assert found.unread >= 0
        if isinstance(found, Nodes):
            snapshot = SchedulerSnapshot(found.nodes)
        else:
            snapshot = SchedulerSnapshot({}, jobs=found.jobs)
        assert relay.decode(relay.encode(snapshot)) == snapshot
