"""What another exporter tells of a scheduler's nodes: states of known age, or a bad reply."""

from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import node_states_api as listing
from rackwatt_exporter.schedulers.remote import node_states, refusal

JSON = True


def examine(data: bytes) -> None:
    """Take it for a list, and for a refusal."""
    try:
        found = node_states(HttpResponse(200, data, 0.0, {"age": "3"}))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert found.age_s == 3.0
        assert all(state.replace("_", "").isalnum() for state in found.states.values())
        assert listing.read(listing.written("a", found)).states == found.states
    assert str(refusal(HttpResponse(503, data, 0.0), "/x")).isprintable()
