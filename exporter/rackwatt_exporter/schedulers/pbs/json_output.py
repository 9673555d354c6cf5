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


def parse_nodes(output: bytes) -> Listing:
    """Parse what `pbsnodes -av -F json` printed.

    Raises:
        ReadError: bad_reply.
    """
    return _listing(output, "nodes")


def parse_jobs(output: bytes) -> Listing:
    """Parse what `qstat -f -F json` printed.

    Raises:
        ReadError: bad_reply.
    """
    return _listing(output, "Jobs")


def _listing(output: bytes, name: str) -> Listing:
    document = _document(output)
    records = document.get(name, {})
    if not isinstance(records, dict):
        raise ReadError(Reason.BAD_REPLY, f"PBS's JSON has no object {name}")
    read = {key: one for key, one in records.items() if isinstance(one, dict)}
    return Listing(
        read,
        len(records) - len(read),
        server=text(document.get("pbs_server")),
        version=text(document.get("pbs_version")),
    )


def _document(output: bytes) -> dict[str, Any]:
    start = _START.search(output)
    if start is None:
        shown = printable(output, 80) or "nothing"
        raise ReadError(Reason.BAD_REPLY, f"expected the JSON of PBS, found: {shown}")
    body = output[start.start() : output.rfind(b"}") + 1].decode("utf-8", "replace")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        message = f"PBS's JSON is not valid: {printable(str(error), 120)}"
        raise ReadError(Reason.BAD_REPLY, message) from None
