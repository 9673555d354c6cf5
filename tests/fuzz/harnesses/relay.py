"""What another exporter serves of a scheduler: a snapshot of known age, or a bad reply."""

from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.remote import refusal, snapshot

JSON = True
_HEADERS = {"age": "3", "content-type": relay.CONTENT_TYPE}


def examine(data: bytes) -> None:
    """Parse it as a snapshot, as its version, and as an error."""
    try:
        found = snapshot(HttpResponse(200, data, 0.0, _HEADERS))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert found.age_s == 3.0
        assert all(node.state.replace("_", "").isalnum() for node in found.nodes.values())
        assert all(node.reason.isprintable() for node in found.nodes.values())
        assert relay.decode(relay.encode(found), 3.0) == found
    try:
        relay.check_version(data.decode("latin-1"))
    except ValueError as error:
        assert str(error)
    else:
        assert data.strip().lower().startswith(b"application/vnd.rackwatt.scheduler+json")
    assert str(refusal(HttpResponse(503, data, 0.0), "/x")).isprintable()
