"""Meaning of a resource's Status.State (Redfish's Resource schema) for the numbers beside it.

A sensor that is disabled or offline often keeps its last value, so a number counts only where the
state says that the resource works. A state that the schema does not know says nothing of the kind.
"""

from rackwatt_exporter.protocols.redfish.json import Json, get_str
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.reading import ReadError, Reason

# In lower case, since some services write it so. Deferring and Quiesced restrict commands alone;
# Qualified and Degraded are of the quality of what works; services without a state have none.
# InTest, Starting and Updating are not ready, whatever they report.
_WORKING = frozenset(("", "enabled", "ok", "deferring", "quiesced", "qualified", "degraded"))
# A supply that waits for another to fail measures its input, often 0 W.
_WAITING = frozenset(("standbyspare", "standbyoffline"))
# A bay without a supply, and a supply that was taken out of service, add nothing to a sum.
_OUT_OF_SERVICE = frozenset(("absent", "disabled"))


def present(document: Json) -> bool:
    """Return whether what a resource describes is present; empty bays are listed too."""
    return isinstance(document, dict) and _state(document) != "absent"


def in_service(supply: Json) -> bool:
    """Return whether a power supply belongs to the sum of its chassis' supplies."""
    return isinstance(supply, dict) and _state(supply) not in _OUT_OF_SERVICE


def works(document: Json) -> bool:
    """Return whether the state, if there is one, says that a sensor or control works."""
    return _state(document) in _WORKING


def supply_works(supply: Json) -> bool:
    """Return whether the state, if there is one, says that a supply works or waits to."""
    return _state(supply) in _WORKING | _WAITING


def state_of(document: Json) -> str:
    """Return the state for a message."""
    return shown(get_str(document, "Status", "State"))


def require_working(document: Json, where: str) -> None:
    """Raise unless the state says that a sensor or control works.

    Raises:
        ReadError: sensor_unreadable, with the state.
    """
    if not works(document):
        message = f"{where} is {state_of(document)}: what it reports is no measurement"
        raise ReadError(Reason.SENSOR_UNREADABLE, message)


def _state(document: Json) -> str:
    return get_str(document, "Status", "State").lower()
