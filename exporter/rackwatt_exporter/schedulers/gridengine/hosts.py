"""Parser of `qhost -xml`: each host with its processors and memory."""

from typing import NamedTuple

from rackwatt_exporter.schedulers.gridengine.numbers import parse_bytes, parse_count
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.xml_records import XmlRecord, records

ARGUMENTS = ("-xml",)
# What the whole cluster has, listed as a host.
_GLOBAL = "global"


class Host(NamedTuple):
    """A host: its resources, and whether its sge_execd reports its load."""

    total: Resources | None
    reports: bool


class Hosts(NamedTuple):
    """Each host by name, and how many could not be read."""

    hosts: dict[str, Host]
    unread: int


def parse_hosts(output: bytes) -> Hosts:
    """Parse what qhost printed.

    Raises:
        ReadError: bad_reply where it is no XML of qhost.
    """
    found = [_host(record) for record in records(output, "qhost", "host")]
    hosts = dict(host for host in found if host is not None)
    hosts.pop(_GLOBAL, None)
    return Hosts(hosts, found.count(None))


def _host(record: XmlRecord) -> tuple[str, Host] | None:
    if record.element is None or not (host := name(record.element.get("name", ""))):
        return None
    values = {value.get("name"): (value.text or "").strip() for value in record.element}
    total = Resources(
        cpus=parse_count(values.get("num_proc")),
        memory_bytes=parse_bytes(values.get("mem_total")),
    )
    return host, Host(total if total != Resources() else None, values.get("load_avg", "-") != "-")
