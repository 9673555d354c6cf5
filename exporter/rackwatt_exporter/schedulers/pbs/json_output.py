"""PBS's JSON (`-F json`): OpenPBS, and PBS Professional from version 13 on.

Some versions print JSON that is not valid, such as a job name with a leading zero as a number, or
arrays with `-t`. Then PBS's text has the same.
"""

import re
from typing import Any

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.pbs.listing import Listing
from rackwatt_exporter.schedulers.pbs.values import text

# A login shell may print before it.
_START = re.compile(rb'\{\s*"timestamp"')


class _Vnode(msgspec.Struct):
    """What is read of a vnode. The rest, half of it, is passed over while decoding."""

    state: Any = None
    jobs: Any = None
    queue: Any = None
    comment: Any = None
    last_state_change_time: Any = None
    resources_available: Any = None
    resources_assigned: Any = None


class _Job(msgspec.Struct):
    """What is read of a job. The rest, nine tenths of it, is passed over while decoding."""

    job_state: Any = None
    queue: Any = None
    name: Any = msgspec.field(default=None, name="Job_Name")
    euser: Any = None
    egroup: Any = None
    owner: Any = msgspec.field(default=None, name="Job_Owner")
    account: Any = msgspec.field(default=None, name="Account_Name")
    project: Any = None
    comment: Any = None
    ctime: Any = None
    stime: Any = None
    exec_host: Any = None
    exec_vnode: Any = None
    requested: Any = msgspec.field(default=None, name="Resource_List")
    array_state_count: Any = None


_Other = str | int | float | bool | list[Any] | None


class _Nodes(msgspec.Struct):
    pbs_server: Any = None
    pbs_version: Any = None
    records: dict[str, _Vnode | _Other] = msgspec.field(default_factory=dict, name="nodes")


class _Jobs(msgspec.Struct):
    pbs_server: Any = None
    pbs_version: Any = None
    records: dict[str, _Job | _Other] = msgspec.field(default_factory=dict, name="Jobs")


_NODES, _JOBS = msgspec.json.Decoder(_Nodes), msgspec.json.Decoder(_Jobs)


def parse_nodes(output: bytes) -> Listing:
    """Parse what `pbsnodes -av -F json` printed.

    Raises:
        ReadError: bad_reply.
    """
    return _listing(output, _NODES)


def parse_jobs(output: bytes) -> Listing:
    """Parse what `qstat -f -F json` printed.

    Raises:
        ReadError: bad_reply.
    """
    return _listing(output, _JOBS)


def _listing(
    output: bytes, decoder: msgspec.json.Decoder[_Nodes] | msgspec.json.Decoder[_Jobs]
) -> Listing:
    start = _START.search(output)
    if start is None:
        shown = printable(output, 80) or "nothing"
        raise ReadError(Reason.BAD_REPLY, f"expected the JSON of PBS, found: {shown}")
    body = output[start.start() : output.rfind(b"}") + 1].decode("utf-8", "replace")
    try:
        document = decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"PBS's JSON is not valid: {printable(str(error), 120)}"
        raise ReadError(Reason.BAD_REPLY, message) from None
    read = {
        name: _attributes(record)
        for name, record in document.records.items()
        if isinstance(record, msgspec.Struct)
    }
    return Listing(
        read,
        len(document.records) - len(read),
        server=text(document.pbs_server),
        version=text(document.pbs_version),
    )


def _attributes(record: msgspec.Struct) -> dict[str, Any]:
    """Return the attributes that are there, by the names that PBS has for them."""
    names = zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True)
    found = ((name, getattr(record, field)) for field, name in names)
    return {name: value for name, value in found if value is not None}
